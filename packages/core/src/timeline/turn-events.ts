import type { RebootLease } from "../reboots/judge-reboot.ts";
import type { Instant } from "../units/time.ts";
import type { NewEvent } from "./event.ts";

/** What happens to a host's turn to reboot, in the words of the log. */
export type TurnMoment = "asked" | "granted" | "back" | "ended";

/** How a host is that has come back. */
export const returnWords = "is back from its reboot, proven and healthy";

const usualWords = { asked: "gets ready to reboot", granted: "may reboot", back: returnWords } as const;

/** By whom what happens to a turn is done. */
export const turnActor = ({ order }: RebootLease): string => (order === undefined ? "fleetlock" : "coordinator");

/** One moment of a turn; `what` becomes of the host, as a clause, where the turn ends. */
export function turnEvent(lease: RebootLease, moment: TurnMoment, at: Instant, what = ""): NewEvent {
  const { host, client, group, order } = lease;
  return {
    at,
    kind: `host.reboot-${moment}`,
    by: turnActor(lease),
    sentence: `${host} ${moment === "ended" ? what : usualWords[moment]}`,
    host,
    ...(order === undefined ? {} : { rollout: client }),
    details: { client, group },
  };
}
