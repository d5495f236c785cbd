import type {
  AgentSeen,
  Intent,
  ObservedHost,
  ProgramChange,
  ProgramChangeAction,
  ProgramChangeFacts,
  ProgramChangePlan,
  SiteDuties,
} from "@sluice/core";
import { acceptingProxies } from "@sluice/core/activation/observed-host";
import { tallyRound } from "@sluice/core/activation/probe-tally";
import { agentUnit, keeperUnit, proxyUnit } from "@sluice/core/intent/intent";
import { Problem } from "@sluice/core/problems/problem";
import { planProgramChange } from "@sluice/core/programs/plan-program-change";
import { planProgramFile } from "@sluice/core/programs/plan-program-file";
import { isTrial, unitOf } from "@sluice/core/programs/program-change";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import { wordOnChange } from "../activation/step-activation.ts";
import { assertAsPacked, type PackedOptions } from "../drift/assert-as-packed.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import { askedDuties } from "../ledger/asked-duties.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HostDrivers } from "../reconcile/host-drivers.ts";
import type { HostLook, HostLooks } from "../reconcile/host-looks.ts";
import { changesOf } from "../reconcile/live-units.ts";
import { recordChange } from "../reconcile/settle-ledger.ts";
import type { KeeperSilence } from "./keeper-silence.ts";
import { missingUnits } from "./missing-units.ts";

export interface ChangePorts {
  readonly drivers: HostDrivers;
  readonly looks: Pick<HostLooks, "fresh">;
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly isConnected: () => boolean;
  /** Told of files of a program that were put back before it was asked anything. */
  readonly onHealed: (found: readonly FoundDrift[]) => void;
  readonly silence: Pick<KeeperSilence, "over" | "goesOn">;
  /** `look` is absent where the host could not be looked at. */
  readonly onStep: (from: ProgramChange, plan: ProgramChangePlan, look: HostLook | undefined) => void;
}

export interface ChangeStep {
  readonly facts: ProgramChangeFacts;
  /** True when there may be more to do at once. */
  readonly moved: boolean;
}

/** Between two looks at what a program on trial still lacks. */
const betweenLooksMs = durationMs(500);

/** A host of which nothing is known, since whoever knows its processes does not answer. */
const unseen: ObservedHost = { installed: [], slots: [], proxies: [] };

/** Whether a change goes on while the keeper does not answer: then it may be the one on trial that does not. */
export const canBeSilent = (change: ProgramChange): boolean =>
  unitOf(change) === keeperUnit && (isTrial(change) || change.phase === "handing-back");

/** Plans once for one change of a program, saves the decision, then carries its orders out. */
export async function stepProgramChange(
  ports: ChangePorts,
  id: string,
  facts: ProgramChangeFacts,
  signal: AbortSignal,
): Promise<ChangeStep> {
  const { memory, clock, isConnected } = ports;
  const look = await lookFor(ports, changesOf(memory.ledger)[id]);
  signal.throwIfAborted();
  const { ledger, intent } = memory;
  const state = changesOf(ledger)[id];
  if (state === undefined || look === "wait") return { facts, moved: false };
  const host = look?.host ?? unseen;
  const running = host[unitOf(state)];
  if (running === undefined && !canBeSilent(state)) return { facts, moved: false };
  const word = wordOnChange(ledger, intent, state);
  const now = clock.now();
  const duties = dutiesAsked(memory, host);
  const missing = missingUnits(ledger, host);
  const plan = planProgramChange({
    ...{ now, state, word, host, running, duties, missing, facts, isConnected: isConnected() },
    kept: unitOf(state) === keeperUnit ? host.keeper?.kept : undefined,
    trialEnds: unitOf(state) === keeperUnit ? {} : (host.agent?.trialEnds ?? {}),
  });
  // First to those who start it: whatever ends between the two must come back as what is proven.
  if (plan.next.phase === "done") await tellProven(ports.drivers, plan.next, host.agent);
  if (!sameJson(plan.next, state)) await memory.update((so) => recordChange(so, plan.next));
  ports.onStep(state, plan, look);
  if (plan.next.phase !== state.phase) return { facts: { failures: [], tally: {} }, moved: true };
  if (plan.actions.length === 0) return { facts, moved: false };
  const packed = { installer: ports.drivers.installer, intent, onHealed: ports.onHealed };
  const ground = { drivers: ports.drivers, duties, packed, silence: ports.silence };
  const found = await carryOutAll(ground, facts, plan.actions, signal);
  // What a program on trial lacks is looked at again in a moment; its deadline is short.
  if (isTrial(state) || state.phase === "handing-back")
    await clock.sleep(betweenLooksMs, signal).catch(() => undefined);
  return { facts: found, moved: true };
}

/** `wait` while a keeper that does not answer may only be slow. Rejects where nothing can be done without a look. */
async function lookFor(
  { looks, silence }: ChangePorts,
  state: ProgramChange | undefined,
): Promise<HostLook | "wait" | undefined> {
  try {
    const look = await looks.fresh();
    silence.over();
    return look;
  } catch (error) {
    if (state === undefined || !canBeSilent(state)) throw error;
    return silence.goesOn() ? undefined : "wait";
  }
}

async function tellProven(
  { program, keeper }: HostDrivers,
  change: ProgramChange,
  agent: AgentSeen | undefined,
): Promise<void> {
  const { release } = change;
  if (unitOf(change) === keeperUnit) return keeper?.tell(release);
  if (agent === undefined) return;
  const file = await program?.file();
  if (file !== undefined) await program?.write(planProgramFile({ file, changes: [], proven: release, agent }).file);
}

/** What those are told who start programs is written whenever it is not what they know; answers whether this process is to make room. */
export async function tellPrograms({ drivers, memory }: Pick<ChangePorts, "drivers" | "memory">, host: ObservedHost) {
  const { program, keeper } = drivers;
  await keeper?.tell(memory.ledger.proven[keeperUnit]);
  if (program === undefined || host.agent === undefined) return false;
  const { ledger } = memory;
  const file = await program.file();
  const changes = Object.values(ledger.agentChanges ?? {});
  const plan = planProgramFile({ file, changes, proven: ledger.proven[agentUnit], agent: host.agent });
  if (!sameJson(plan.file, file)) await program.write(plan.file);
  return plan.changesOver;
}

/** What orders are carried out by. */
interface Ground {
  readonly silence: Pick<KeeperSilence, "over">;
  readonly drivers: HostDrivers;
  readonly duties: readonly SiteDuties[];
  readonly packed: PackedOptions;
}

async function carryOutAll(
  ground: Ground,
  facts: ProgramChangeFacts,
  actions: readonly ProgramChangeAction[],
  signal: AbortSignal,
): Promise<ProgramChangeFacts> {
  let known = facts;
  for (const action of actions) {
    try {
      known = await carryOut(ground, known, action, signal);
    } catch (error) {
      // A handover, failed or not, calls everything off by itself: whoever follows the keeper takes it for gone.
      if (signal.aborted && action.kind !== "hand-over") return known;
      const sentence = error instanceof Error ? error.message : String(error);
      const retryHelps = error instanceof Problem ? error.retryHelps : true;
      const kind = action.kind === "probe" ? "probe" : "ensure-installed";
      return { ...known, failures: [...known.failures, { action: kind, sentence, retryHelps }] };
    }
  }
  return known;
}

async function carryOut(
  { drivers: { installer, program, keeper, prober }, duties, packed, silence }: Ground,
  facts: ProgramChangeFacts,
  action: ProgramChangeAction,
  signal: AbortSignal,
): Promise<ProgramChangeFacts> {
  switch (action.kind) {
    case "ensure-installed":
      await installer.ensureInstalled(action.release, signal);
      return facts;
    case "ask-version": {
      await assertAsPacked(action.release, packed);
      const asked = action.release.unit === keeperUnit ? keeper : program;
      const saidVersion = await asked?.askVersion(action.release, signal);
      return saidVersion === undefined ? facts : { ...facts, saidVersion };
    }
    case "probe": {
      const asked = duties.filter(({ site }) => action.rounds.some((round) => round.site === site));
      const rounds = await Promise.all(asked.map((one) => prober.round(one, { hop: "listener" }, signal)));
      signal.throwIfAborted();
      return { ...facts, tally: tallyRound(facts.tally, rounds.flat()) };
    }
    case "hand-over":
      await keeper?.handOver(action.release, action.grant);
      return facts;
    case "compare-kept": {
      const lost = await keeper?.lostOf(action.kept);
      return lost === undefined ? facts : { ...facts, lost };
    }
    case "hand-back":
      await keeper?.handBack();
      return facts;
    case "put-down":
      await keeper?.putDown();
      // The one that is started now has to be given the time to answer.
      silence.over();
      return facts;
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
