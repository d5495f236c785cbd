import { after, type Instant } from "../units/time.ts";
import type { Rollout, RolloutState, StepState } from "./rollout.ts";
import { gateWaitMs } from "./timings.ts";
import { pending } from "./wave.ts";

/** The state every rollout begins in. A rollout without hosts has nothing to do and is completed. */
export function startRollout(rollout: Rollout, now: Instant): RolloutState {
  const hosts = rollout.stages.flatMap(({ waves }) => waves.flat());
  const steps = Object.fromEntries(hosts.map(({ host }): [string, StepState] => [host, pending]));
  const stage = rollout.stages.findIndex(({ waves }) => waves.length > 0);
  if (stage === -1) return { phase: "completed", steps, since: now };
  return {
    phase: "waiting-for-gates",
    at: { stage, wave: 0 },
    approvals: [],
    deadline: after(now, gateWaitMs),
    steps,
    since: now,
  };
}
