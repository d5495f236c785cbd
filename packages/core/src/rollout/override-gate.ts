import { environmentGates, type GateName } from "../gates/gate.ts";
import type { VerbContext, VerbInput, VerbRefusal } from "./apply-verb.ts";
import { overridableIn } from "./refusal.ts";
import type { Override, Rollout } from "./rollout.ts";
import { stageAt } from "./wave.ts";

export type OverrideOutcome =
  | { readonly rollout: Rollout; readonly override: Override }
  | { readonly refusal: VerbRefusal };

/**
 * Opens a gate for the wave that waits for it, or for its whole environment where the gate concerns that. A wave that is
 * worse than what was there before is never overridden: evidence may be missing, not bad. Whether the asker's role allows
 * it is the caller's to know.
 */
export function overrideGate(input: VerbInput, gate: GateName, { by, reason, now }: VerbContext): OverrideOutcome {
  const { rollout, state, verdict } = input;
  const about = `cannot override gate '${gate}' of rollout '${rollout.id}'`;
  if (reason === undefined || reason.trim() === "")
    return refuse("reason-missing", `${about} without a reason; give one with --reason`);
  const allowed = overridableIn(gate);
  if (!("at" in state) || !allowed.includes(state.phase))
    return refuse("verb-refused", `${about} while ${state.phase}; it is waited for while ${allowed.join(" or ")}`);
  if (verdict.kind === "regressed" && state.phase === "observing")
    return refuse("verb-refused", `${about}: ${verdict.reasons[0] ?? "health is worse than before"}`);
  const { environment } = stageAt(rollout, state.at);
  const wave = environmentGates.includes(gate) ? {} : { wave: state.at.wave };
  const override: Override = { check: gate, by, reason, at: now, environment, ...wave };
  return { rollout: { ...rollout, overrides: [...rollout.overrides, override] }, override };
}

const refuse = (reason: VerbRefusal["reason"], sentence: string): OverrideOutcome => ({
  refusal: { reason, sentence },
});
