import { after, type Instant } from "../units/time.ts";
import { type Alert, type AlertName, alertKey, alertKinds } from "./alert.ts";

/** Somebody's word that they look after it. */
export interface Acknowledgement {
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
}

/** An alert that is not over, and what became of telling it. */
export interface AlertRecord {
  /** People call it by this: `a-17`. */
  readonly number: number;
  /** Its newest words. */
  readonly alert: Alert;
  readonly since: Instant;
  /** Since when a page or notice tells of it. */
  readonly toldAt?: Instant;
  readonly acked?: Acknowledgement;
  /** Why nobody is told of it at this moment: a mute, or an alert that says the same of more. */
  readonly quiet?: string;
}

/**
 * What people are told about all alerts of one name, as one thing: a fault that meets a whole fleet calls once. Its clock
 * runs from the first message until everything in it is acknowledged or over.
 */
export interface Page {
  readonly name: AlertName;
  readonly openedAt: Instant;
  /** Levels of the chain that were told; notices have none. */
  readonly level: number;
  /** When something was last sent. */
  readonly toldAt: Instant;
  /** By channel: when it took the newest message meant for it; `null` while it has not. */
  readonly reached: Readonly<Record<string, Instant | null>>;
  /** Everything in it was acknowledged: nobody is told again until something new comes. */
  readonly isAcked: boolean;
}

/** Everything about alerts that has to outlive a restart, besides messages on their way. */
export interface NotificationState {
  readonly records: readonly AlertRecord[];
  readonly pages: readonly Page[];
  readonly nextNumber: number;
}

export const noNotifications: NotificationState = { records: [], pages: [], nextNumber: 1 };

export const alertId = ({ number }: Pick<AlertRecord, "number">): string => `a-${number}`;

/** It has been true for long enough to be told, and nothing keeps it quiet. */
export const isLoud = ({ alert, since, quiet }: AlertRecord, now: Instant): boolean =>
  quiet === undefined && now >= after(since, alertKinds[alert.name].holdMs);

export const recordKey = ({ alert }: AlertRecord): string => alertKey(alert);

/** Whoever acknowledges says that nobody else has to be called. The same record where there is nothing to say. */
export function acknowledge(
  state: NotificationState,
  which: (record: AlertRecord) => boolean,
  acked: Acknowledgement,
): NotificationState {
  const records = state.records.map((record) =>
    record.acked === undefined && which(record) ? { ...record, acked } : record,
  );
  return { ...state, records };
}

/** A channel has taken its newest message about this page. */
export function markReached(
  state: NotificationState,
  name: AlertName,
  channel: string,
  at: Instant,
): NotificationState {
  const pages = state.pages.map((page) =>
    page.name === name && page.reached[channel] === null
      ? { ...page, reached: { ...page.reached, [channel]: at } }
      : page,
  );
  return { ...state, pages };
}
