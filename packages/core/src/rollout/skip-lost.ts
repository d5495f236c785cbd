import { between, formatDuration, type Instant } from "../units/time.ts";
import { blindness } from "./blindness.ts";
import type { PlanInput } from "./plan-input.ts";
import type { StepState, Steps, WaveAt } from "./rollout.ts";
import { pending, stageAt, takingPart } from "./wave.ts";

/**
 * Steps of a wave without the hosts that have been silent for longer than their environment waits. Only who was not touched
 * yet: one that fell silent with a grant in its hands may have fallen silent because of it. Never the whole wave, for somebody
 * has to show that the change is sound; and nobody while the coordinator takes itself for blind.
 */
export function skipLost(input: PlanInput, at: WaveAt, steps: Steps): Steps {
  const { skipLostMs } = stageAt(input.rollout, at);
  if (skipLostMs === undefined || blindness(input) !== undefined) return steps;
  const wave = takingPart(input.rollout, at, steps).map(({ host }) => host);
  const lost = wave.flatMap((host): readonly [string, StepState][] => {
    const since = input.hosts[host]?.silentSince;
    if ((steps[host] ?? pending).kind !== "pending" || since === undefined) return [];
    return between(since, input.now) < skipLostMs ? [] : [[host, skipped(since, input.now)]];
  });
  return lost.length === 0 || lost.length === wave.length ? steps : { ...steps, ...Object.fromEntries(lost) };
}

const skipped = (since: Instant, at: Instant): StepState => ({
  kind: "skipped",
  at,
  reason: `silent for ${formatDuration(between(since, at))}`,
});
