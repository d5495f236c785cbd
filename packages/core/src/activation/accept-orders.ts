import type { SlotTable } from "../proxying/proxy-settings.ts";
import type { ActivationAction } from "./activation.ts";
import { leadsAs, type ProxySeen } from "./observed-host.ts";

/**
 * Gives the listening sockets to a process that has waited for them. Another rollout may have switched the site since it was
 * started, or ended its copy: it is told first where `slots` lead now. Absent: nobody has to be led anywhere by it.
 */
export function acceptOrders(waiting: ProxySeen, slots: SlotTable | undefined): readonly ActivationAction[] {
  const { childId } = waiting;
  const accept: ActivationAction = { kind: "accept", childId };
  return slots === undefined || leadsAs(waiting, slots) ? [accept] : [{ kind: "put-slots", childId, slots }, accept];
}
