import {
  type AlertName,
  type AlertRecord,
  type ChannelHealth,
  canonicalJson,
  type Message,
  type NotificationState,
  type Page,
} from "@sluice/core";
import { readFlag, writeFlag } from "./meta.ts";
import type { Db } from "./store.ts";

/** A message that its channel has not taken yet. A newer one about the same alerts takes its place. */
export interface WaitingMessage {
  /** The same in every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly channel: string;
  readonly message: Message;
  readonly attempts: number;
}

/** Everything about notifications that outlives a restart. Values are never changed in place. */
export interface Notifications {
  readonly state: NotificationState;
  /** By {@link waitingKey}. */
  readonly waiting: ReadonlyMap<string, WaitingMessage>;
  readonly health: ReadonlyMap<string, ChannelHealth>;
}

export const waitingKey = (channel: string, name: AlertName): string => `${channel} ${name}`;

export function readNotifications(db: Db): Notifications {
  const bodies = <T>(sql: string): readonly T[] =>
    db.all<{ body: string }>(sql).map(({ body }) => JSON.parse(body) as T);
  const waiting = bodies<WaitingMessage>("SELECT body FROM outbox ORDER BY rowid");
  const health = bodies<ChannelHealth>("SELECT body FROM channel_health");
  return {
    state: {
      records: bodies<AlertRecord>("SELECT body FROM alerts ORDER BY number"),
      pages: bodies<Page>("SELECT body FROM alert_pages"),
      nextNumber: Number(readFlag(db, "next-alert") ?? 1),
    },
    waiting: new Map(waiting.map((one) => [waitingKey(one.channel, one.message.name), one])),
    health: new Map(health.map((one) => [one.channel, one])),
  };
}

/** Writes what differs between both; parts that are one object are not looked into. */
export function writeNotifications(db: Db, before: Notifications, after: Notifications): void {
  const [was, is] = [before.state, after.state];
  const write = <K extends string | number>(
    table: string,
    key: string,
    old: ReadonlyMap<K, unknown>,
    now: ReadonlyMap<K, unknown>,
  ): void => {
    for (const [id, value] of now) {
      if (old.get(id) === value) continue;
      db.run(`INSERT OR REPLACE INTO ${table} (${key}, body) VALUES (?, ?)`, id, canonicalJson(value));
    }
    for (const id of old.keys()) if (!now.has(id)) db.run(`DELETE FROM ${table} WHERE ${key} = ?`, id);
  };
  write("alerts", "number", byNumber(was.records), byNumber(is.records));
  write("alert_pages", "name", byName(was.pages), byName(is.pages));
  write("outbox", "key", before.waiting, after.waiting);
  write("channel_health", "channel", before.health, after.health);
  if (was.nextNumber !== is.nextNumber) writeFlag(db, "next-alert", String(is.nextNumber));
}

/** True when there is nothing to write. */
export const isSameNotifications = (a: Notifications, b: Notifications): boolean =>
  a.state === b.state && a.waiting === b.waiting && a.health === b.health;

const byNumber = (records: readonly AlertRecord[]): ReadonlyMap<number, AlertRecord> =>
  new Map(records.map((record) => [record.number, record]));

const byName = (pages: readonly Page[]): ReadonlyMap<string, Page> => new Map(pages.map((page) => [page.name, page]));
