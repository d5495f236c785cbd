import type { Override, Rollout, WaveAt } from "../rollout/rollout.ts";
import { stageAt } from "../rollout/wave.ts";
import type { GateName } from "./gate.ts";

/** The newest override of a gate that holds for a wave. */
export function overrideOf(rollout: Rollout, gate: GateName, at: WaveAt): Override | undefined {
  const { environment } = stageAt(rollout, at);
  return rollout.overrides.findLast(
    (one) =>
      one.check === gate &&
      (one.environment === undefined || one.environment === environment) &&
      (one.wave === undefined || one.wave === at.wave),
  );
}
