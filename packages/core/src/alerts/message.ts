import { between, formatDuration, type Instant } from "../units/time.ts";
import { type AlertLabels, type AlertName, alertKinds, type Severity } from "./alert.ts";
import { type AlertRecord, alertId } from "./alert-record.ts";

/**
 * Why a message is sent: something new, more of the same, nobody answered, nobody answered for long, somebody looks after
 * it, or it is over.
 */
export type MessageReason = "raised" | "grown" | "escalated" | "repeated" | "acknowledged" | "resolved";

/** One message about all alerts of one name; a later one about them says everything that an earlier one said. */
export interface Message {
  readonly reason: MessageReason;
  readonly name: AlertName;
  readonly severity: Severity;
  readonly fleet: string;
  readonly at: Instant;
  /** When people were first told. */
  readonly openedAt: Instant;
  readonly alerts: readonly MessageAlert[];
  /** How many more there are than `alerts` has. */
  readonly more: number;
}

export interface MessageAlert {
  /** `a-17` */
  readonly id: string;
  readonly labels: AlertLabels;
  readonly sentence: string;
  readonly since: Instant;
  readonly isOver: boolean;
  readonly ackedBy?: string;
}

/** Enough to see what is wrong; a phone shows less. */
const alertsMax = 20;

export function messageOf(
  head: Pick<Message, "reason" | "name" | "fleet" | "at" | "openedAt">,
  firing: readonly AlertRecord[],
  over: readonly AlertRecord[],
): Message {
  const alerts = [...firing.map((one) => entryOf(one, false)), ...over.map((one) => entryOf(one, true))];
  return {
    ...head,
    severity: alertKinds[head.name].severity,
    alerts: alerts.slice(0, alertsMax),
    more: Math.max(0, alerts.length - alertsMax),
  };
}

const entryOf = (record: AlertRecord, isOver: boolean): MessageAlert => ({
  id: alertId(record),
  labels: record.alert.labels,
  sentence: record.alert.sentence,
  since: record.since,
  isOver,
  ...(record.acked === undefined ? {} : { ackedBy: record.acked.by }),
});

/** `[acme] a rollout was halted`, with what is new about it in front. */
export function messageTitle({ reason, name, fleet, at, openedAt, alerts, more }: Message): string {
  const count = alerts.length + more;
  const what = `${alertKinds[name].title}${count > 1 ? ` (${count})` : ""}`;
  const age = formatDuration(between(openedAt, at));
  const words: Readonly<Record<MessageReason, string>> = {
    raised: what,
    grown: `more of: ${what}`,
    escalated: `nobody acknowledged for ${age}: ${what}`,
    repeated: `still not acknowledged after ${age}: ${what}`,
    acknowledged: `acknowledged: ${what}`,
    resolved: `over: ${what}`,
  };
  return `[${fleet}] ${words[reason]}`;
}

/** A line for each alert, then what to do. */
export function messageLines(message: Message): readonly string[] {
  const { alerts, more, at, reason } = message;
  const lines = alerts.map(({ id, sentence, since, isOver, ackedBy }) => {
    const by = ackedBy === undefined ? "" : `, acknowledged by ${ackedBy}`;
    return `${id} ${sentence} (${isOver ? "over after" : "for"} ${formatDuration(between(since, at))}${by})`;
  });
  const rest = more === 0 ? [] : [`and ${more} more: sluice alert list`];
  const open = alerts.find(({ isOver, ackedBy }) => !isOver && ackedBy === undefined);
  const isOpen = message.severity === "page" && open !== undefined && reason !== "acknowledged";
  return [...lines, ...rest, ...(isOpen ? [`acknowledge: sluice ack ${open.id} --reason …`] : [])];
}
