import type {
  ProgramChange,
  ProgramChangeAction,
  ProgramChangeFacts,
  ProgramChangePlan,
  AgentSeen,
  Intent,
  ObservedHost,
  SiteDuties,
} from "@sluice/core";
import { acceptingProxies, slotSeen } from "@sluice/core/activation/observed-host";
import { tallyRound } from "@sluice/core/activation/probe-tally";
import { planProgramChange } from "@sluice/core/programs/plan-program-change";
import { planProgramFile } from "@sluice/core/programs/plan-program-file";
import { agentUnit, parseUnit, proxyUnit, type UnitKey } from "@sluice/core/intent/intent";
import { Problem } from "@sluice/core/problems/problem";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs } from "@sluice/core/units/time";
import { describeUnit } from "@sluice/core/words/describe-unit";
import type { Clock } from "@sluice/runtime";
import { wordOnChange } from "../activation/step-activation.ts";
import { askedDuties } from "../ledger/asked-duties.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HostDrivers } from "../reconcile/host-drivers.ts";
import type { HostLook, HostLooks } from "../reconcile/host-looks.ts";
import { liveUnit } from "../reconcile/live-units.ts";
import { recordChange } from "../reconcile/settle-ledger.ts";

export interface ChangePorts {
  readonly drivers: HostDrivers;
  readonly looks: Pick<HostLooks, "fresh">;
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly isConnected: () => boolean;
  readonly onStep: (from: ProgramChange, plan: ProgramChangePlan, look: HostLook) => void;
}

export interface ChangeStep {
  readonly facts: ProgramChangeFacts;
  /** True when there may be more to do at once. */
  readonly moved: boolean;
}

/** Between two looks at what a program on trial still lacks. */
const betweenLooksMs = durationMs(500);

/** Plans once for one change of the agent, saves the decision, then carries its orders out. */
export async function stepProgramChange(
  ports: ChangePorts,
  id: string,
  facts: ProgramChangeFacts,
  signal: AbortSignal,
): Promise<ChangeStep> {
  const { looks, memory, clock, isConnected } = ports;
  const look = await looks.fresh();
  signal.throwIfAborted();
  const { ledger, intent } = memory;
  const state = ledger.agentChanges?.[id];
  const { host } = look;
  if (state === undefined || host.agent === undefined) return { facts, moved: false };
  const word = wordOnChange(ledger, intent, state);
  const now = clock.now();
  const duties = dutiesAsked(memory, host);
  const missing = missingUnits(ledger, host);
  const input = { now, state, word, host, agent: host.agent, isConnected: isConnected(), duties, missing, facts };
  const plan = planProgramChange(input);
  // First to the watchdog: an agent that ends between the two must come back as what is proven.
  if (plan.next.phase === "done") await tellProven(ports.drivers, plan.next, host.agent);
  if (!sameJson(plan.next, state)) await memory.update((so) => recordChange(so, plan.next));
  ports.onStep(state, plan, look);
  if (plan.next.phase !== state.phase) return { facts: { failures: [], tally: {} }, moved: true };
  if (plan.actions.length === 0) return { facts, moved: false };
  const found = await carryOutAll(ports.drivers, input.duties, facts, plan.actions, signal);
  // What a program on trial lacks is looked at again in a moment; its deadline is short.
  if (state.phase === "on-trial") await clock.sleep(betweenLooksMs, signal).catch(() => undefined);
  return { facts: found, moved: true };
}

async function tellProven({ program }: HostDrivers, { release }: ProgramChange, agent: AgentSeen): Promise<void> {
  const file = await program?.file();
  if (file !== undefined) await program?.write(planProgramFile({ file, changes: [], proven: release, agent }).file);
}

/** What the watchdog is told is written whenever it is not what the file says; answers whether this process is to make room. */
export async function tellWatchdog({ drivers, memory }: Pick<ChangePorts, "drivers" | "memory">, host: ObservedHost) {
  const { program } = drivers;
  if (program === undefined || host.agent === undefined) return false;
  const { ledger } = memory;
  const file = await program.file();
  const changes = Object.values(ledger.agentChanges ?? {});
  const plan = planProgramFile({ file, changes, proven: ledger.proven[agentUnit], agent: host.agent });
  if (!sameJson(plan.file, file)) await program.write(plan.file);
  return plan.changesOver;
}

async function carryOutAll(
  drivers: HostDrivers,
  duties: readonly SiteDuties[],
  facts: ProgramChangeFacts,
  actions: readonly ProgramChangeAction[],
  signal: AbortSignal,
): Promise<ProgramChangeFacts> {
  let known = facts;
  for (const action of actions) {
    try {
      known = await carryOut(drivers, duties, known, action, signal);
    } catch (error) {
      if (signal.aborted) return known;
      const sentence = error instanceof Error ? error.message : String(error);
      const retryHelps = error instanceof Problem ? error.retryHelps : true;
      const kind = action.kind === "probe" ? "probe" : "ensure-installed";
      return { ...known, failures: [...known.failures, { action: kind, sentence, retryHelps }] };
    }
  }
  return known;
}

async function carryOut(
  { installer, program, prober }: HostDrivers,
  duties: readonly SiteDuties[],
  facts: ProgramChangeFacts,
  action: ProgramChangeAction,
  signal: AbortSignal,
): Promise<ProgramChangeFacts> {
  switch (action.kind) {
    case "ensure-installed":
      await installer.ensureInstalled(action.release, signal);
      return facts;
    case "ask-version": {
      const saidVersion = await program?.askVersion(action.release, signal);
      return saidVersion === undefined ? facts : { ...facts, saidVersion };
    }
    case "probe": {
      const asked = duties.filter(({ site }) => action.rounds.some((round) => round.site === site));
      const rounds = await Promise.all(asked.map((one) => prober.round(one, { hop: "listener" }, signal)));
      signal.throwIfAborted();
      return { ...facts, tally: tallyRound(facts.tally, rounds.flat()) };
    }
  }
}

/** Sites that users can reach here: what a new agent finds unhealthy it may have made so. */
function dutiesAsked(
  memory: { readonly ledger: Ledger; readonly intent: Intent | undefined },
  host: ObservedHost,
): readonly SiteDuties[] {
  return Object.values(askedDuties(memory, host)).filter(
    ({ site }) => acceptingProxies(host, proxyUnit(site)).length > 0,
  );
}

function missingUnits({ proven }: Ledger, host: ObservedHost): readonly string[] {
  return Object.entries(proven).flatMap(([key, release]) => {
    const unit = key as UnitKey;
    if (unit === agentUnit || isUp(host, unit)) return [];
    return [`${describeUnit(unit)} ${release.version} does not run`];
  });
}

function isUp(host: ObservedHost, unit: UnitKey): boolean {
  const live = liveUnit(host, unit);
  const parsed = parseUnit(unit);
  if (live === undefined || parsed.kind !== "site") return live !== undefined;
  return live.slot === undefined || slotSeen(host, parsed.site, live.slot)?.alive === true;
}
