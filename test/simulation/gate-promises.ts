import type { GateName, ProbeResult, Rollout, RolloutState, StepState } from "@sluice/core";
import { HeardWays } from "./heard-ways.ts";
import type { History } from "./history.ts";
import type { ProbedRound } from "./report.ts";
import { type SimGates, soakMsOf } from "./sim-gates.ts";
import { bindingsOf } from "./simulated-fleet.ts";

const dayMs = 86_400_000;

/** What the check of a start has to know besides the rollout. */
export interface StartTruth {
  /** Digest proven by `host/unit`, by the store that starts it. */
  readonly proven: Readonly<Record<string, string>>;
  /** Hosts that the wave starts without. */
  readonly skipped: readonly string[];
}

type Waiting = Extract<RolloutState, { phase: "waiting-for-gates" }>;

/**
 * Checks that no wave starts while a gate is shut and not overridden. It keeps books of its own: who approved and
 * acknowledged, what was overridden for which wave, when each way in was last heard of; and it does its own sums.
 */
export class GatePromises {
  readonly #history: History;
  readonly #gates: SimGates;
  readonly #broken: (promise: string, what: string) => never;
  /** `rollout gate stage.wave` */
  readonly #overridden = new Set<string>();
  readonly #approvers = new Map<string, Set<string>>();
  readonly #acknowledged = new Map<string, number>();
  /** Rollouts of what only one environment has. */
  readonly #alone = new Set<string>();
  readonly #heard = new HeardWays();

  constructor(history: History, gates: SimGates, broken: (promise: string, what: string) => never) {
    this.#history = history;
    this.#gates = gates;
    this.#broken = broken;
  }

  overridden(rollout: string, gate: GateName, { stage, wave }: Waiting["at"]): void {
    this.#overridden.add(`${rollout} ${gate} ${stage}.${wave}`);
    // An environment's gate is asked for before its first wave, so that wave's override is the environment's.
  }

  /** It brings what other environments do not have, so that none of them can speak for it. */
  concernsOneEnvironment(rollout: string): void {
    this.#alone.add(rollout);
  }

  approved(rollout: string, by: string): void {
    this.#approvers.set(rollout, (this.#approvers.get(rollout) ?? new Set()).add(by));
  }

  acknowledged(rollout: string): void {
    this.#acknowledged.set(rollout, this.#history.time.now);
  }

  heard(host: string, results: readonly ProbeResult[], round: ProbedRound): void {
    const { now } = this.#history.time;
    this.#heard.note(host, results, now);
    this.#heard.noteRound(host, round, now);
  }

  /** A wave was started. */
  starts(rollout: Rollout, { at, steps }: Waiting, truth: StartTruth): void {
    const { environment } = stageOf(rollout, at);
    const shut = this.#shut(rollout, at, steps, truth).filter(
      ([gate]) => gate === "halt-all" || !this.#overridden.has(`${rollout.id} ${gate} ${at.stage}.${at.wave}`),
    );
    const [first] = shut;
    if (first !== undefined) this.#broken("gate", `${rollout.id} starts in ${environment}: ${first[0]}: ${first[1]}`);
    if (this.#history.options.gates !== undefined) this.#history.trace.count("wave started past gates");
  }

  /** Everything that is shut by the books, overridden or not. */
  #shut(
    rollout: Rollout,
    at: Waiting["at"],
    steps: Waiting["steps"],
    truth: StartTruth,
  ): readonly (readonly [GateName | "halt-all", string])[] {
    const everyWave = [
      this.#haltAll(),
      this.#frozen(stageOf(rollout, at).environment),
      this.#outOfTime(rollout, at),
      this.#blind(rollout, at, truth),
    ];
    const firstWave =
      at.wave > 0
        ? []
        : [
            this.#unapproved(rollout, at),
            this.#unattended(rollout, at),
            // What is proven comes back with a reboot: what an environment below has or had is of no matter.
            ...(rollout.kind === "reboot" ? [] : [this.#unrepresented(rollout, at)]),
            ...(rollout.kind === "reboot" ? [] : [this.#uncovered(rollout, at, steps, truth)]),
          ];
    return [...everyWave, ...firstWave].filter((one) => one !== undefined);
  }

  #haltAll() {
    return this.#gates.haltAll === undefined ? undefined : (["halt-all", "everything is halted"] as const);
  }

  #frozen(environment: string) {
    const { now } = this.#history.time;
    const found = this.#gates.freezes.find(
      ({ when, environments }) =>
        when.kind === "once" &&
        now >= when.from &&
        now < when.to &&
        (environments.length === 0 || environments.includes(environment)),
    );
    return found === undefined ? undefined : (["freeze", `frozen by ${found.name}`] as const);
  }

  #outOfTime(rollout: Rollout, at: Waiting["at"]) {
    const window = this.#history.options.gates?.window;
    if (window === undefined || stageOf(rollout, at).environment !== "production") return undefined;
    const { now } = this.#history.time;
    const minute = (now % dayMs) / 60_000;
    if (minute < window.opens || minute >= window.closes) return ["window", `closed at minute ${minute}`] as const;
    const leftMs = (window.closes - minute) * 60_000;
    const needed = this.#longestMs(rollout, at);
    return needed <= leftMs + 1
      ? undefined
      : (["window", `not long enough: ${leftMs} left, ${needed} needed`] as const);
  }

  /**
   * A minute and a half a turn forwards, the soak, a minute and a half more, and all the way back. A reboot has
   * no way back; five minutes until its host is drained, a quarter of an hour until it is back, and five minutes of waiting.
   */
  #longestMs(rollout: Rollout, at: Waiting["at"]): number {
    const { maxUnavailable } = this.#history.options;
    const turns = (hosts: number, atOnce: number): number => Math.max(1, Math.ceil(hosts / atOnce));
    const wave = stageOf(rollout, at).waves[at.wave]?.length ?? 0;
    const trialMs = soakMsOf(this.#history.options) + 90_000;
    if (rollout.kind === "reboot") return wave * 25 * 60_000 + trialMs;
    const touched = rollout.stages.map(({ waves }, stage) =>
      stage > at.stage ? 0 : waves.slice(0, stage < at.stage ? undefined : at.wave + 1).flat().length,
    );
    const back = touched.map((hosts) => (hosts === 0 ? 0 : turns(hosts, 2 * maxUnavailable) * 90_000));
    return turns(wave, maxUnavailable) * 90_000 + trialMs + back.reduce((sum, ms) => sum + ms, 0) + 300_000;
  }

  #unapproved(rollout: Rollout, at: Waiting["at"]) {
    const { approval, gates } = this.#history.options;
    if (!approval || gates === undefined || stageOf(rollout, at).environment !== "production") return undefined;
    const people = this.#approvers.get(rollout.id)?.size ?? 0;
    return people >= 2 ? undefined : (["approval", `${people} approved`] as const);
  }

  #unattended(rollout: Rollout, at: Waiting["at"]) {
    const within = this.#history.options.gates?.attendedWithinMs;
    if (within === undefined || stageOf(rollout, at).environment !== "production") return undefined;
    const agoMs = this.#history.time.now - (this.#acknowledged.get(rollout.id) ?? Number.NEGATIVE_INFINITY);
    return agoMs < within ? undefined : (["attended", `acknowledged ${agoMs}ms ago`] as const);
  }

  #unrepresented(rollout: Rollout, at: Waiting["at"]) {
    const { environment } = stageOf(rollout, at);
    return this.#gates.isUnrepresented(environment, this.#history.time.now)
      ? (["representativeness", "acceptance lacks a kind of binding"] as const)
      : undefined;
  }

  /** Every host of acceptance passed in the rollout, or had the same proven before it; a restart has to take all of them. */
  #uncovered(rollout: Rollout, at: Waiting["at"], steps: Waiting["steps"], { proven }: StartTruth) {
    const { gates, acceptance } = this.#history.options;
    if (gates === undefined || stageOf(rollout, at).environment !== "production") return undefined;
    if (this.#alone.has(rollout.id)) return undefined;
    const wanted = stageOf(rollout, at).waves.flat()[0]?.units ?? [];
    for (const host of Array.from({ length: acceptance }, (_, index) => `at-${index + 1}`)) {
      const step: StepState | undefined = steps[host];
      if (step?.kind === "passed") continue;
      const same = step === undefined && rollout.kind !== "restart";
      if (same && wanted.every(({ unit, to }) => proven[`${host}/${unit}`] === to)) continue;
      return ["coverage", `${host} is ${step?.kind ?? "left out"}`] as const;
    }
    return undefined;
  }

  #blind(rollout: Rollout, at: Waiting["at"], { proven, skipped }: StartTruth) {
    const { gates } = this.#history.options;
    if (gates === undefined) return undefined;
    for (const { host } of stageOf(rollout, at).waves[at.wave] ?? []) {
      if (skipped.includes(host)) continue;
      for (const site of rollout.sites.filter((one) => proven[`${host}/site:${one}`] !== undefined)) {
        for (const { name } of bindingsOf(site)) {
          const at = ["front", "proxy"].map((hop) => this.#heard.at(host, name, hop) ?? Number.NEGATIVE_INFINITY);
          const agoMs = this.#history.time.now - Math.max(...at);
          if (agoMs > 30_000) return ["monitoring", `${name} on ${host} was heard of ${agoMs}ms ago`] as const;
        }
      }
    }
    return undefined;
  }
}

function stageOf(rollout: Rollout, at: Waiting["at"]): Rollout["stages"][number] {
  const stage = rollout.stages[at.stage];
  if (stage === undefined) throw new RangeError(`${rollout.id} has no stage ${at.stage}`);
  return stage;
}
