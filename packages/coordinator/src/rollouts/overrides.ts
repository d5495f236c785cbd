import { type Instant, type Override, Problem } from "@sluice/core";
import type { OverrideRequest } from "@sluice/protocol/generated/sluice/operator/v1/operator";

/** Checks that an operator may switch off; each needs a reason, which stays on the rollout for ever. */
const checks: readonly string[] = ["probes-before"] satisfies readonly Override["check"][];

export function readOverrides(requested: readonly OverrideRequest[], by: string, at: Instant): readonly Override[] {
  return requested.map(({ check, reason }) => {
    if (!checks.includes(check)) {
      throw new Problem("usage-invalid", `cannot override check '${check}'; there is ${checks.join(", ")}`);
    }
    if (reason.trim() === "") {
      throw new Problem("reason-missing", `cannot override check '${check}' without a reason`, {
        hint: "give one with --reason",
      });
    }
    return { check: check as Override["check"], by, reason, at };
  });
}
