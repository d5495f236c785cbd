import type { ActivationAction, ActivationFacts, ProbeResult, UnitKey } from "@sluice/core";
import { readyKey } from "@sluice/core/activation/activation";
import { proxiesOf, slotSeen } from "@sluice/core/activation/observed-host";
import { isProgramUnit, parseUnit } from "@sluice/core/intent/intent";
import type { Clock } from "@sluice/runtime";
import { carryOut, noFacts } from "../activation/carry-out.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { certificatesOfProven } from "../ledger/proven-certificates.ts";
import type { HostDrivers } from "./host-drivers.ts";
import type { HostLooks } from "./host-looks.ts";
import { busyUnits, slotsByActivation } from "./live-units.ts";
import { planFrontUpkeep, planSiteUpkeep, type UpkeepInput } from "./plan-upkeep.ts";

export interface UpkeepPorts {
  readonly drivers: HostDrivers;
  readonly looks: Pick<HostLooks, "fresh">;
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly onAct: (what: string, actions: readonly ActivationAction[]) => void;
}

/** What upkeep found out since the agent started; found out again after a restart. */
export interface UpkeepNotes {
  readonly ready: Set<string>;
  readonly unready: Set<string>;
  readonly absentSince: Record<string, UpkeepInput["now"]>;
  cold: boolean;
}

export interface UpkeepStep {
  readonly moved: boolean;
  /** Why it did not work, in a sentence. */
  readonly failure?: string;
}

/** Takes down since when each proxy and front that is proven has not answered, by a look. */
export function noteAbsent(
  notes: UpkeepNotes,
  { proven }: Ledger,
  host: UpkeepInput["host"],
  now: UpkeepInput["now"],
): void {
  const { absentSince } = notes;
  for (const unit of Object.keys(proven)) {
    if (isProgramUnit(unit as UnitKey) || parseUnit(unit as UnitKey).kind === "site") continue;
    if (proxiesOf(host, unit as UnitKey).some(({ draining }) => !draining)) delete absentSince[unit];
    else absentSince[unit] ??= now;
  }
  if (Object.keys(absentSince).length === 0) notes.cold = false;
}

/** Whether anything is to be done for a site (or the front), by a look that was taken already: at rest nobody is asked twice. */
export const needsUpkeep = (input: UpkeepInput, what: { readonly site: string } | "front"): boolean =>
  (what === "front" ? planFrontUpkeep(input) : planSiteUpkeep(input, what.site)).length > 0;

/** Plans once for a site (or the front) and carries the orders out. */
export async function stepUpkeep(
  ports: UpkeepPorts,
  what: { readonly site: string } | "front",
  notes: UpkeepNotes,
  signal: AbortSignal,
): Promise<UpkeepStep> {
  const { drivers, looks, memory } = ports;
  const { host } = await looks.fresh();
  signal.throwIfAborted();
  const input = upkeepInput(ports, notes, host);
  const actions = what === "front" ? planFrontUpkeep(input) : planSiteUpkeep(input, what.site);
  if (actions.length === 0) return { moved: false };
  ports.onAct(what === "front" ? "front" : what.site, actions);
  const site = {
    drivers,
    host,
    duties: memory.ledger.duties,
    signal,
    onResults: (_: readonly ProbeResult[]) => undefined,
  };
  let facts: ActivationFacts = noFacts;
  for (const action of actions) {
    facts = await carryOut(site, facts, action);
    noteReadiness(notes, host, action, facts);
    const [failure] = facts.failures;
    if (failure !== undefined) return { moved: action.kind === "await-ready", failure: failure.sentence };
    if (signal.aborted) return { moved: false };
  }
  return { moved: true };
}

/** All that upkeep looks at, for every site of the host: made once a look, since it takes longer than to plan by it. */
export function upkeepInput(
  { memory, clock }: Pick<UpkeepPorts, "memory" | "clock">,
  notes: UpkeepNotes,
  host: UpkeepInput["host"],
): UpkeepInput {
  const { ledger, intent } = memory;
  return {
    now: clock.now(),
    host,
    proven: ledger.proven,
    certificates: certificatesOfProven(ledger),
    wanted: intent === undefined ? undefined : new Set(intent.body.units.map(({ unit }) => unit)),
    busy: busyUnits(ledger),
    drifting: new Set(Object.keys(ledger.drifts) as UnitKey[]),
    duties: ledger.duties,
    slotByActivation: slotsByActivation(ledger),
    ready: notes.ready,
    unready: notes.unready,
    absentSince: notes.absentSince,
    draining: intent?.body.draining === true,
    cold: notes.cold,
  };
}

function noteReadiness(
  { ready, unready }: UpkeepNotes,
  host: UpkeepInput["host"],
  action: ActivationAction,
  facts: ActivationFacts,
): void {
  if (action.kind !== "await-ready") return;
  for (const key of facts.ready) ready.add(key);
  const seen = slotSeen(host, action.site, action.slot);
  if (seen !== undefined && facts.failures.length > 0) unready.add(readyKey(seen));
}
