import type {
  ActivationAction,
  ActivationFacts,
  ActivationPart,
  ActivationPlan,
  ActivationState,
  Grant,
  GrantWord,
  Instant,
  Intent,
  ProbeResult,
  ProgramChange,
  UnitRelease,
} from "@sluice/core";
import { planActivation } from "@sluice/core/activation/plan-activation";
import { durationMs, instant } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import { assertAsPacked } from "../drift/assert-as-packed.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import { askedDuties } from "../ledger/asked-duties.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HostDrivers } from "../reconcile/host-drivers.ts";
import type { HostLook, HostLooks } from "../reconcile/host-looks.ts";
import { recordStep } from "../reconcile/settle-ledger.ts";
import { carryOut, noFacts } from "./carry-out.ts";

export interface StepPorts {
  readonly drivers: HostDrivers;
  readonly looks: Pick<HostLooks, "fresh">;
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly onResults: (results: readonly ProbeResult[]) => void;
  /** Told of files that were not as they were packed, and are again. */
  readonly onHealed: (found: readonly FoundDrift[]) => void;
  /** Told before the orders of a step are carried out, with the look at the host that the step was decided by. */
  readonly onStep: (from: ActivationState, plan: ActivationPlan, look: HostLook) => void;
}

export interface Step {
  readonly facts: ActivationFacts;
  /** True when there may be more to do at once; false when only time or somebody else can help. */
  readonly moved: boolean;
}

/** Between two rounds of probes: a fault that heals within a moment is no fault. */
const betweenRoundsMs = durationMs(1000);

/** What the newest intent says of a grant. A grant taken back on the host itself is withdrawn, whatever the intent says. */
export function wordOn(
  ledger: Ledger,
  intent: Intent | undefined,
  state: { readonly grant: Grant; readonly parts: readonly Pick<ActivationPart, "unit" | "release">[] },
): GrantWord {
  const { id } = state.grant;
  if (ledger.revoked[id] !== undefined) return { kind: "withdrawn" };
  const grant = intent?.body.grants.find((held) => held.id === id);
  if (grant !== undefined) return { kind: "held", grant };
  // Without a readable intent nobody has said anything new.
  if (intent === undefined) return { kind: "held", grant: state.grant };
  const passed = state.parts.every(({ unit, release }) => {
    const word = intent.body.units.find((one) => one.unit === unit);
    return word?.proven?.digest === release.digest;
  });
  return { kind: passed ? "confirmed" : "withdrawn" };
}

/** The same of a grant for a program of Sluice's own. */
export const wordOnChange = (
  ledger: Ledger,
  intent: Intent | undefined,
  { grant, release }: ProgramChange,
): GrantWord => wordOn(ledger, intent, { grant, parts: [{ unit: release.unit, release }] });

/** Plans once for one grant, saves the decision, then carries its orders out. Rejects when it can't be saved: then nothing was done. */
export async function stepActivation(
  ports: StepPorts,
  id: string,
  facts: ActivationFacts,
  calledOff: AbortSignal,
): Promise<Step> {
  const { drivers, looks, memory, clock } = ports;
  const look = await looks.fresh();
  calledOff.throwIfAborted();
  const { host } = look;
  const { ledger, intent } = memory;
  const state = ledger.activations[id];
  if (state === undefined) return { facts, moved: false };
  const now = clock.now();
  const word = wordOn(ledger, intent, state);
  const unconfirmed = intent?.body.unconfirmed ?? "revert";
  const duties = askedDuties(memory, host, state);
  const plan = planActivation({ now, state, word, unconfirmed, duties, host, facts });
  const turned = plan.next.phase !== state.phase;
  if (turned || JSON.stringify(plan.next) !== JSON.stringify(state)) {
    await memory.update((so) => recordStep(so, plan.next, now));
  }
  ports.onStep(state, plan, look);
  if (turned) return { facts: noFacts, moved: true };
  using limit = untilDue(clock, plan.next, calledOff);
  const { onResults, onHealed } = ports;
  const packed = { installer: drivers.installer, intent, onHealed };
  const check = (release: UnitRelease) => assertAsPacked(release, packed);
  const site = { drivers, host, duties, signal: limit.signal, onResults, assertAsPacked: check };
  if (plan.actions.some(({ kind }) => kind === "probe")) await pauseBetweenRounds(clock, facts, limit.signal);
  const done = await carryOutAll(site, facts, plan.actions);
  return { facts: done, moved: plan.actions.length > 0 && done.failures.length === facts.failures.length };
}

/** In order; those after a failed one are left for the next step. */
async function carryOutAll(
  site: Parameters<typeof carryOut>[0],
  facts: ActivationFacts,
  actions: readonly ActivationAction[],
): Promise<ActivationFacts> {
  let known = facts;
  for (const action of actions) {
    const next = await carryOut(site, known, action);
    const failed = next.failures.length > known.failures.length;
    known = next;
    if (failed || site.signal.aborted) break;
  }
  return known;
}

async function pauseBetweenRounds(clock: Clock, { tally }: ActivationFacts, signal: AbortSignal): Promise<void> {
  if (Object.keys(tally).length === 0) return;
  await clock.sleep(betweenRoundsMs, signal).catch(() => undefined);
}

/** A signal for orders that take long: aborted when the step is called off or when the state's own time is up. */
function untilDue(
  clock: Clock,
  state: ActivationState,
  calledOff: AbortSignal,
): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const due = dueAt(state);
  if (due !== undefined) {
    const wait = durationMs(Math.max(0, due - clock.now()));
    clock.sleep(wait, over.signal).then(
      () => over.abort(new Error("its time is up")),
      () => undefined,
    );
  }
  const signal = AbortSignal.any([over.signal, calledOff]);
  return { signal, [Symbol.dispose]: () => over.abort() };
}

function dueAt(state: ActivationState): Instant | undefined {
  switch (state.phase) {
    case "installing":
    case "starting":
    case "awaiting-ready":
    case "starting-successors":
    case "probing-before":
      return instant(Math.min(state.deadline, state.grant.confirmBy));
    case "switching":
    case "probing-after":
      return state.deadline;
    default:
      return undefined;
  }
}
