import { rebootReturnMs } from "../reboots/judge-reboot.ts";
import type { RebootTurn } from "../reboots/plan-turn.ts";
import { formatDuration, type Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import type { PlanInput, RolloutAction } from "./plan-input.ts";
import type { StepState, Steps } from "./rollout.ts";
import type { Settled } from "./settle-steps.ts";
import { placedSteps } from "./wave.ts";

type Activating = Extract<StepState, { kind: "activating" }>;

/** Steps of a reboot as the turns of their hosts leave them: what a host says of grants concerns it nothing. */
export function settleReboots(input: PlanInput): Settled {
  const { now, rollout, reboots = {} } = input;
  const steps: Record<string, StepState> = {};
  const actions: RolloutAction[] = [];
  let failure: Settled["failure"];
  for (const { change, step } of placedSteps(rollout, input.state.steps)) {
    const { host } = change;
    const settled = settleReboot(step, reboots[host], now);
    steps[host] = settled;
    if (settled === step) continue;
    if (settled.kind === "failed") failure ??= { host, kind: "step-failed", sentence: `${host}: ${settled.reason}` };
    if (settled.kind === "revert-failed") {
      const sentence = `${rollout.title} (rollout ${rollout.id}) was ended, and ${host} ${settled.reason}`;
      actions.push({ kind: "page", sentence });
    }
  }
  return { steps: steps as Steps, actions, ...(failure === undefined ? {} : { failure }) };
}

function settleReboot(step: StepState, turn: RebootTurn | undefined, now: Instant): StepState {
  if (step.kind === "activating") return turn === undefined ? step : settleAway(step, turn, now);
  if (step.kind !== "withdrawing") return step;
  if (turn === undefined || turn.kind !== "away") return { kind: "reverted", at: now };
  return now >= turn.until ? { kind: "revert-failed", at: now, reason: lateWords(turn.missing) } : step;
}

function settleAway(step: Activating, turn: RebootTurn, now: Instant): StepState {
  const { grant, confirmBy } = step;
  const failed = { kind: "failed", at: now, touchedTraffic: false, rebooting: true } as const;
  switch (turn.kind) {
    case "waiting":
      return step;
    case "away":
      return now >= turn.until ? { ...failed, reason: lateWords(turn.missing) } : step;
    case "refused":
      return { ...failed, reason: turn.sentence };
    case "back":
      return { kind: "provisional", grant, since: now, confirmBy, switchMs: 0, awayMs: turn.awayMs };
    default:
      return unreachable(turn);
  }
}

const lateWords = (missing: readonly string[]): string =>
  `did not come back proven and healthy within ${formatDuration(rebootReturnMs)}: ${missing.join("; ")}`;
