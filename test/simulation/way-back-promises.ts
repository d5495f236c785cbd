import type { Rollout, RolloutState, StepState } from "@sluice/core";
import { type Placed, placedSteps } from "@sluice/core/rollout/wave";
import type { Broken } from "./history.ts";

const isLive = ({ kind }: StepState): boolean => kind === "provisional" || kind === "passed";

/** Where going back leads, by books kept apart from the decisions: never to what regressed there or is live by a word alone. */
export class WayBackPromises {
  readonly #broken: Broken;
  readonly #count: (outcome: string) => void;
  /** `environment|digest` without a good verdict. */
  readonly #bad = new Set<string>();

  constructor(broken: Broken, count: (outcome: string) => void) {
    this.#broken = broken;
    this.#count = count;
  }

  /** A decision, not an operator's word. */
  planned(rollout: Rollout, before: RolloutState, after: RolloutState): void {
    const placed = placedSteps(rollout, before.steps);
    this.#note(rollout, placed, before, after);
    if (before.phase === "halted" && after.phase === "reverting") this.#decidesToRevert(rollout, placed);
    if (before.phase === "halted" && after.phase === "held") this.#count(reasonToHold(rollout));
    if (before.phase === "reverting") {
      this.#goesOnReverting(rollout, placed, before, after);
      if (after.phase === "reverted") this.#tellsTheTruth(rollout, after);
    }
  }

  /** What nobody blames stays where it passed, and whoever is called wants to know. */
  #tellsTheTruth(rollout: Rollout, { cause, steps }: Extract<RolloutState, { phase: "reverted" }>): void {
    if (cause.kind !== "deadline" && cause.kind !== "outdated") return;
    const left = placedSteps(rollout, steps).find(({ step }) => step.kind === "passed");
    if (left !== undefined)
      this.#broken("way-back", `${rollout.id} calls itself reverted although ${left.change.host} was left as it is`);
  }

  #note(rollout: Rollout, placed: readonly Placed[], before: RolloutState, after: RolloutState): void {
    const live = placed.filter(({ step }) => isLive(step));
    if (before.phase !== "halted" && after.phase === "halted" && after.cause.kind === "regressed") {
      // A host may have said that it is live in the same moment: it is on trial then as well.
      const judged = placedSteps(rollout, after.steps).filter(({ step }) => isLive(step));
      const onTrial = judged.filter(({ step }) => step.kind === "provisional");
      for (const key of keysOf(onTrial.length > 0 ? onTrial : judged, "to")) this.#bad.add(key);
    }
    const passing = live.filter(
      ({ step, change }) => step.kind === "provisional" && after.steps[change.host]?.kind === "passed",
    );
    const isVouchedFor = before.phase === "aborted";
    for (const key of keysOf(passing, "to")) if (isVouchedFor) this.#bad.add(key);
    if (before.phase === "observing" && before.promoted === undefined && rollout.overrides.length === 0)
      for (const key of keysOf(passing, "to")) this.#bad.delete(key);
  }

  #decidesToRevert({ id, oneWay, onRegression }: Rollout, placed: readonly Placed[]): void {
    const told = placed.find(({ stage, step }) => isLive(step) && (stage.onRegression ?? onRegression) === "hold");
    if (told !== undefined) this.#broken("way-back", `${id} goes back from ${told.change.host}, where it has to hold`);
    const live = placed.filter(({ step }) => isLive(step));
    if (oneWay !== undefined && live.length > 0) this.#broken("way-back", `${id} takes back what is one-way`);
    const bad = keysOf(live, "from").find((key) => this.#bad.has(key));
    if (bad !== undefined) this.#broken("way-back", `${id} goes back to ${bad}, which is no good there`);
  }

  #goesOnReverting(
    { id }: Rollout,
    placed: readonly Placed[],
    before: Extract<RolloutState, { phase: "reverting" }>,
    after: RolloutState,
  ): void {
    if (!placed.some(({ step }) => step.kind === "revert-failed" && step.at >= before.since)) return;
    this.#count("revert failed");
    const next = placed.find(
      ({ step, change }) => step.kind === "passed" && after.steps[change.host]?.kind === "reverting",
    );
    if (next !== undefined) this.#broken("way-back", `${id} sends ${next.change.host} back although it failed before`);
    if (after.phase === "reverted")
      this.#broken("way-back", `${id} calls itself reverted although it failed on a host`);
  }
}

const keysOf = (placed: readonly Placed[], which: "from" | "to"): readonly string[] =>
  placed.flatMap(({ stage, change }) =>
    change.units.filter(({ from, to }) => from !== to).map((unit) => `${stage.environment}|${unit[which]}`),
  );

const reasonToHold = ({ oneWay, onRegression }: Rollout): string =>
  oneWay !== undefined ? "one-way held" : onRegression === "hold" ? "held as told" : "held for want of a way back";
