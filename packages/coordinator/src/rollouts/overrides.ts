import { type GateName, gateNames, type Instant, type Override, Problem } from "@sluice/core";
import { includesRole, overriderRole, type Role } from "@sluice/protocol";
import type { OverrideRequest } from "@sluice/protocol/generated/sluice/operator/v1/operator";

/** Gates of a wave that is live already: there must be something to look at before anybody can do without it. */
const notBeforehand: readonly GateName[] = ["soak", "evidence", "capacity"];

/** What may be switched off while a rollout is made; each needs a reason, which stays on the rollout for ever. */
const checks: readonly Override["check"][] = [
  "probes-before",
  ...gateNames.filter((gate) => !notBeforehand.includes(gate)),
];

export interface Overrider {
  readonly name: string;
  readonly role: Role;
}

/** Overrides for a whole rollout. Opening a gate takes the role for it, as it does later on. */
export function readOverrides(
  requested: readonly OverrideRequest[],
  { name: by, role }: Overrider,
  at: Instant,
): readonly Override[] {
  return requested.map(({ check, reason }) => {
    const known = checks.find((one) => one === check);
    if (known === undefined) {
      throw new Problem("usage-invalid", `cannot override check '${check}'; there is ${checks.join(", ")}`);
    }
    if (reason.trim() === "") {
      throw new Problem("reason-missing", `cannot override check '${check}' without a reason`, {
        hint: "give one with --reason",
      });
    }
    if (known !== "probes-before" && !includesRole(role, overriderRole)) {
      throw new Problem(
        "role-missing",
        `cannot override gate '${check}' as '${by}': it takes the role ${overriderRole}`,
      );
    }
    return { check: known, by, reason, at };
  });
}

/** The gate of this name, for an override while it is waited for. */
export function gateOf(word: string): GateName {
  const known = gateNames.find((gate) => gate === word);
  if (known !== undefined) return known;
  throw new Problem("usage-invalid", `cannot override gate '${word}'; there is ${gateNames.join(", ")}`);
}
