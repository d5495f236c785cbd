import type { DurationMs, Plan, Rollout, RolloutState, Stage, StepState } from "@sluice/core";
import { type Placed, pending, placedSteps, sitesTouched } from "@sluice/core/rollout/wave";
import type { Broken, History } from "./history.ts";
import { beatMs } from "./report.ts";

/** What the coordinator that plans has stored. */
export interface StoreTruth {
  /** Digest by `host/unit`. */
  readonly proven: Readonly<Record<string, string>>;
  /** Rollouts that are not over, the one that is planned as it was before. */
  readonly active: readonly { readonly rollout: Rollout; readonly state: RolloutState }[];
}

/** What the checks must see of a host: what it would come back with after a restart. */
export interface ProvenTruth {
  readonly name: string;
  readonly provenDigest: (unit: string) => string | undefined;
}

/** As the glossary has them; the sums are the checks' own. */
const stepDefaultMs = 600_000;
const marginMs = 300_000;
/** Nobody who was heard of longer ago takes part. */
const silentAfterMs = 3 * beatMs;

/** Not there for users, or on the way there. */
const unavailable: ReadonlySet<StepState["kind"]> = new Set(["activating", "withdrawing", "reverting"]);

/**
 * When a host gets its turn, how long a wave takes and what has to come before it passes: from books of when hosts were heard of
 * and became live, which no decision looks at.
 */
export class StepPromises {
  readonly #history: History;
  readonly #hosts: () => readonly ProvenTruth[];
  readonly #broken: Broken;
  readonly #heardAt = new Map<string, number>();
  /** Since when a host is live on trial, by `rollout|host`. */
  readonly #liveSince = new Map<string, number>();

  constructor(history: History, hosts: () => readonly ProvenTruth[], broken: Broken) {
    this.#history = history;
    this.#hosts = hosts;
    this.#broken = broken;
  }

  heard(host: string): void {
    this.#heardAt.set(host, this.#history.time.now);
  }

  planned(rollout: Rollout, before: RolloutState, plan: Plan, truth: StoreTruth): void {
    const { next } = plan;
    if (before.steps !== next.steps) {
      for (const placed of placedSteps(rollout, next.steps)) {
        this.#stepped(rollout, before, next, placed, truth);
        this.#recordsWhatRunsAgain(rollout, before, placed, plan);
      }
    }
    if (before.phase === "activating" && next.phase === "observing") this.#isLiveAsAWhole(rollout, next);
    if (before.phase === "waiting-for-gates" && next.phase === "activating")
      this.#holdsWhatPassed(rollout, next, truth);
    if (before.phase !== "completed" && next.phase === "completed") this.#isEverywhere(rollout, next);
    this.#inTime(rollout, before, plan);
  }

  /** What is completed has passed on every host of every environment, but for those that were lost. */
  #isEverywhere(rollout: Rollout, { steps }: RolloutState): void {
    const left = placedSteps(rollout, steps).find(({ step }) => step.kind !== "passed" && step.kind !== "skipped");
    if (left !== undefined)
      this.#broken("completed", `${rollout.id} is completed while ${left.change.host} is ${left.step.kind}`);
  }

  #stepped(rollout: Rollout, before: RolloutState, next: RolloutState, placed: Placed, truth: StoreTruth): void {
    const { change, step } = placed;
    const was = before.steps[change.host] ?? pending;
    if (was.kind === step.kind) return;
    const key = `${rollout.id}|${change.host}`;
    if (step.kind === "provisional") this.#liveSince.set(key, this.#history.time.now);
    if (was.kind === "pending" && step.kind === "activating") this.#hasItsTurn(rollout, next, placed, truth);
    if (step.kind === "passed" && before.phase === "observing" && before.promoted === undefined)
      this.#mayPass(rollout, placed);
    if (step.kind === "failed" && next.phase === "observing")
      this.#broken("halt", `${rollout.id} goes on although it failed on ${change.host}: ${step.reason}`);
    if (was.kind === "passed" && step.kind === "reverting") this.#isItsOwn(rollout, placed, truth);
  }

  #mayPass(rollout: Rollout, { stage, change: { host } }: Placed): void {
    const forMs = this.#history.time.now - (this.#liveSince.get(`${rollout.id}|${host}`) ?? Number.NEGATIVE_INFINITY);
    if (forMs < stage.gates.soakMs && !rollout.overrides.some(({ check }) => check === "soak"))
      this.#broken("soak", `${rollout.id} passed on ${host}, ${forMs}ms after it was live there`);
    if (this.#isSilent(host)) this.#broken("pass", `${rollout.id} passed on ${host}, which is silent`);
  }

  /** What a host went back to is what its next rollout has to start from. */
  #recordsWhatRunsAgain({ id }: Rollout, before: RolloutState, { change, step }: Placed, { actions }: Plan): void {
    const { host, units } = change;
    if (before.steps[host]?.kind !== "reverting" || step.kind !== "reverted") return;
    const recorded = actions.flatMap((action) =>
      action.kind === "record-proven" && action.host === host ? action.units : [],
    );
    const other = units.find(({ unit, from }) => !recorded.some((one) => one.unit === unit && one.digest === from));
    if (other !== undefined) this.#broken("revert", `${id} does not record that ${host} runs ${other.from} again`);
  }

  /** A wave is observed when all of its hosts that take part are on trial, so that all of them soak. */
  #isLiveAsAWhole({ id, stages }: Rollout, next: RolloutState & { readonly phase: "observing" }): void {
    for (const { host } of stages[next.at.stage]?.waves[next.at.wave] ?? []) {
      const { kind } = next.steps[host] ?? pending;
      if (kind === "pending" || kind === "activating")
        this.#broken("wave", `${id} observes a wave while ${host} is ${kind}`);
    }
  }

  /** What a later rollout has proven is not taken back. */
  #isItsOwn({ id }: Rollout, { change: { host, units } }: Placed, { proven }: StoreTruth): void {
    const other = units.find(({ unit, to }) => (proven[`${host}/${unit}`] ?? to) !== to);
    if (other !== undefined)
      this.#broken(
        "revert",
        `${id} goes back on ${host} from ${proven[`${host}/${other.unit}`]}, which is not its own`,
      );
  }

  #hasItsTurn(rollout: Rollout, next: RolloutState, { stage, change }: Placed, { proven, active }: StoreTruth): void {
    const { host, units } = change;
    if (this.#isSilent(host)) this.#broken("turn", `${rollout.id} grants ${host} its step, which is silent`);
    const silent = this.#hosts().filter(({ name }) => this.#isSilent(name)).length;
    if (silent >= 2 && silent > this.#hosts().length * 0.3)
      this.#broken("turn", `${rollout.id} grants ${host} its step while ${silent} hosts are silent`);
    const other = units.find(({ unit, from }) => proven[`${host}/${unit}`] !== from);
    if (other !== undefined)
      this.#broken(
        "turn",
        `${rollout.id} replaces ${other.from} on ${host}, proven is ${proven[`${host}/${other.unit}`]}`,
      );
    const standing = active.map((one) => (one.rollout.id === rollout.id ? { rollout, state: next } : one));
    for (const site of sitesTouched(rollout, units)) {
      const away = new Set(standing.flatMap((one) => unavailableHosts(one.rollout, one.state, stage, site)));
      if (away.size > stage.maxUnavailable && !rollout.overrides.some(({ check }) => check === "capacity"))
        this.#broken(
          "maxUnavailable",
          `${rollout.id} grants ${host} its step: ${[...away].join(", ")} of ${site} are away`,
        );
    }
  }

  #isSilent(host: string): boolean {
    return this.#history.time.now - (this.#heardAt.get(host) ?? Number.NEGATIVE_INFINITY) > silentAfterMs;
  }

  /** A wave begins when a restart of the hosts before it would bring back what passed there. */
  #holdsWhatPassed(rollout: Rollout, { steps }: RolloutState, { proven }: StoreTruth): void {
    for (const { change, step } of placedSteps(rollout, steps)) {
      if (step.kind !== "passed") continue;
      const host = this.#hosts().find(({ name }) => name === change.host);
      for (const { unit, to } of change.units) {
        const held = host?.provenDigest(unit);
        if (proven[`${change.host}/${unit}`] === to && held !== to)
          this.#broken("2", `${rollout.id} goes on while ${change.host} holds ${held} for proven and not ${to}`);
      }
    }
  }

  /** Nothing stays in a phase that has a deadline once that has passed, unless the coordinator cannot see. */
  #inTime(rollout: Rollout, before: RolloutState, { next, waitingOn }: Plan): void {
    if (before.phase !== next.phase || waitingOn.some(({ kind }) => kind === "blind")) return;
    const mostMs = longestMs(rollout, next);
    if (mostMs === undefined) return;
    const forMs = this.#history.time.now - next.since;
    if (forMs >= mostMs) this.#broken("deadline", `${rollout.id} is ${next.phase} for ${forMs}ms of ${mostMs}`);
  }
}

/** How long a rollout may stay in a phase; undefined where the wait is for people, or for a host that reboots. */
function longestMs({ kind, stages }: Rollout, state: RolloutState): number | undefined {
  if (kind === "reboot" || state.phase === "waiting-for-gates") return undefined;
  if (state.phase === "reverting")
    return stages.reduce((sum, stage) => sum + turnsMs(stage, stage.waves.flat().length, 2), 0) + marginMs;
  const stage = "at" in state ? stages[state.at.stage] : undefined;
  if (stage === undefined) return undefined;
  if (state.phase === "activating") return turnsMs(stage, stage.waves[state.at.wave]?.length ?? 0, 1);
  return stage.gates.soakMs + stage.gates.maxWaitMs;
}

const turnsMs = (
  { maxUnavailable, stepTimeoutMs = stepDefaultMs as DurationMs }: Stage,
  hosts: number,
  speed: number,
): number => Math.max(1, Math.ceil(hosts / (speed * maxUnavailable))) * stepTimeoutMs;

/** Hosts of the environment on which the rollout keeps users of the site away, or may. */
function unavailableHosts(
  rollout: Rollout,
  state: RolloutState,
  { environment }: Stage,
  site: string,
): readonly string[] {
  return placedSteps(rollout, state.steps).flatMap(({ stage, change, step }) =>
    stage.environment === environment &&
    unavailable.has(step.kind) &&
    sitesTouched(rollout, change.units).includes(site)
      ? [change.host]
      : [],
  );
}
