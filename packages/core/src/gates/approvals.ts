import type { Approval, Rollout, WaveAt } from "../rollout/rollout.ts";
import { stageAt } from "../rollout/wave.ts";

/** How many different people have to approve in a role. Who holds two roles may approve once in each. */
export interface ApprovalRule {
  readonly role: string;
  readonly count: number;
}

interface Approved {
  readonly at: WaveAt;
  readonly approvals: readonly Approval[];
}

/** Who has approved the environment in a role, each person once. */
export function approversOf(rollout: Rollout, { at, approvals }: Approved, role: string): readonly string[] {
  const { environment } = stageAt(rollout, at);
  return [
    ...new Set(approvals.filter((one) => one.environment === environment && one.role === role).map(({ by }) => by)),
  ];
}

/** Approvals that the environment still lacks, in words. */
export function missingApprovals(rollout: Rollout, state: Approved): readonly string[] {
  const { environment, gates } = stageAt(rollout, state.at);
  return gates.approval.flatMap(({ role, count }) => {
    const given = approversOf(rollout, state, role);
    const missing = count - given.length;
    if (missing <= 0) return [];
    if (count === 1) return [`${environment} needs the approval of a ${role}`];
    const so = given.length === 0 ? "" : ` besides ${given.join(" and ")}`;
    return [`${environment} needs the approval of ${missing} different people as ${role}${so}`];
  });
}

/** `release-manager`, `2 × release-manager` */
export const approvalWords = ({ role, count }: ApprovalRule): string => (count === 1 ? role : `${count} × ${role}`);
