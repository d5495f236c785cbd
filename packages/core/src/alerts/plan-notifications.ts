import type { Mute } from "../gates/gate.ts";
import type { NewEvent } from "../timeline/event.ts";
import { sameJson } from "../units/same-json.ts";
import { between, type Instant, minutes } from "../units/time.ts";
import { type Alert, type AlertName, alertKey, alertKinds, alertNames } from "./alert.ts";
import { toldEvent } from "./alert-events.ts";
import { type AlertRecord, isLoud, type NotificationState, type Page, recordKey } from "./alert-record.ts";
import { levelsReached, recipientsOf } from "./chain.ts";
import { type Message, type MessageReason, messageOf } from "./message.ts";
import type { NotificationSettings } from "./notification-settings.ts";
import { quietBy } from "./quiet.ts";

export interface NotificationInput {
  readonly now: Instant;
  readonly fleet: string;
  /** Whom to tell. Absent: nobody; alerts are kept all the same. */
  readonly settings?: NotificationSettings;
  readonly state: NotificationState;
  /** Everything that is wrong now, by `findAlerts`. */
  readonly alerts: readonly Alert[];
  readonly mutes: readonly Mute[];
  /** Channels that do not take messages: whoever is only reached by these is passed over. */
  readonly failing: ReadonlySet<string>;
}

export interface NotificationPlan {
  /** To be kept together with the messages. The very same objects where nothing has changed. */
  readonly state: NotificationState;
  readonly messages: readonly { readonly channel: string; readonly message: Message }[];
  readonly events: readonly NewEvent[];
}

/** More of the same is told so often at most. */
const grownEveryMs = minutes(5);

/** Decides who is told what now. Same input, same plan; nothing is sent twice for the same state. */
export function planNotifications(input: NotificationInput): NotificationPlan {
  const { state } = input;
  const records = currentRecords(input);
  const found = new Set(records.current.map(recordKey));
  const over = state.records.filter((record) => record.toldAt !== undefined && !found.has(recordKey(record)));
  const steps = alertNames.map((name) =>
    stepOf(input, {
      name,
      page: state.pages.find((page) => page.name === name),
      firing: records.current.filter(({ alert }) => alert.name === name),
      over: over.filter(({ alert }) => alert.name === name),
    }),
  );
  const told = new Set(steps.flatMap(({ tells }) => tells));
  const kept = records.current.map((record) => (told.has(record) ? { ...record, toldAt: input.now } : record));
  const pages = steps.flatMap(({ page }) => (page === undefined ? [] : [page]));
  const next: NotificationState = { records: kept, pages, nextNumber: records.nextNumber };
  return {
    state: sameItems(next, state) ? state : next,
    messages: steps.flatMap(({ messages }) => messages),
    events: steps.flatMap(({ events }) => events),
  };
}

function sameItems(a: NotificationState, b: NotificationState): boolean {
  const same = <T>(one: readonly T[], other: readonly T[]): boolean =>
    one.length === other.length && one.every((item, index) => item === other[index]);
  return a.nextNumber === b.nextNumber && same(a.records, b.records) && same(a.pages, b.pages);
}

function currentRecords({ now, alerts, mutes, state }: NotificationInput): {
  readonly current: readonly AlertRecord[];
  readonly nextNumber: number;
} {
  const known = new Map(state.records.map((record) => [recordKey(record), record]));
  const names = new Set(alerts.map(({ name }) => name));
  let { nextNumber } = state;
  const current = [...new Map(alerts.map((alert) => [alertKey(alert), alert]))].map(([key, alert]): AlertRecord => {
    const quiet = quietBy(alert, mutes, names, now);
    const before = known.get(key) ?? { number: nextNumber++, alert, since: alert.since ?? now };
    if (before.quiet === quiet && sameJson(before.alert, alert)) return before;
    const { quiet: _was, toldAt, ...rest } = before;
    // Who was told before a mute is told again after it.
    const told = toldAt === undefined || quiet !== undefined ? {} : { toldAt };
    return { ...rest, ...told, alert, ...(quiet === undefined ? {} : { quiet }) };
  });
  return { current, nextNumber };
}

interface NameNow {
  readonly name: AlertName;
  readonly page: Page | undefined;
  readonly firing: readonly AlertRecord[];
  /** Those that people were told of, and that are over. */
  readonly over: readonly AlertRecord[];
}

interface Step {
  readonly page: Page | undefined;
  readonly messages: NotificationPlan["messages"];
  readonly events: readonly NewEvent[];
  /** Records that people are told of from now on. */
  readonly tells: readonly AlertRecord[];
}

const quietly = (page: Page | undefined): Step => ({ page, messages: [], events: [], tells: [] });

/** What is to be told about all alerts of one name. */
function stepOf(input: NotificationInput, of: NameNow): Step {
  const { page, firing } = of;
  const loud = firing.filter((record) => isLoud(record, input.now));
  if (loud.length === 0) return ended(input, of);
  const open = loud.filter(({ acked }) => acked === undefined);
  if (open.length === 0) return page === undefined || page.isAcked ? quietly(page) : settled(input, of, page, loud);
  return page === undefined || page.isAcked ? raised(input, of, open) : goesOn(input, of, page, open);
}

/** Nothing of it is left, or nothing that anybody wants to hear. */
function ended(input: NotificationInput, { page, over }: NameNow): Step {
  if (page === undefined || over.length === 0) return quietly(undefined);
  const to = Object.keys(page.reached);
  return { ...send(input, { page, reason: "resolved", to, firing: [], over }), page: undefined };
}

const settled = (input: NotificationInput, of: NameNow, page: Page, loud: readonly AlertRecord[]): Step => {
  const to = Object.keys(page.reached);
  const told = send(input, { page, reason: "acknowledged", to, firing: loud, over: of.over });
  return { ...told, page: { ...told.page, isAcked: true }, events: [] };
};

function raised(input: NotificationInput, { name, over }: NameNow, open: readonly AlertRecord[]): Step {
  const { now, settings, failing } = input;
  if (settings === undefined) return quietly(undefined);
  const isPage = alertKinds[name].severity === "page";
  const level = isPage ? levelsReached(settings, 0, failing) : 0;
  const to = recipientsOf(settings, isPage ? { from: 0, to: level } : "notices", open);
  if (to.length === 0) return quietly(undefined);
  const page: Page = { name, openedAt: now, level, toldAt: now, reached: {}, isAcked: false };
  return send(input, { page, reason: "raised", to, firing: open, over });
}

/** People know, and nobody has acknowledged all of it yet. */
function goesOn(input: NotificationInput, of: NameNow, page: Page, open: readonly AlertRecord[]): Step {
  const { now, settings, failing } = input;
  if (settings === undefined) return quietly(undefined);
  const isPage = alertKinds[page.name].severity === "page";
  const toldTo = Object.keys(page.reached);
  const level = isPage ? levelsReached(settings, between(page.openedAt, now), failing) : 0;
  const fresh = open.some(({ toldAt }) => toldAt === undefined);
  if (level > page.level) {
    const next = recipientsOf(settings, { from: page.level, to: level }, open).filter((one) => !toldTo.includes(one));
    const risen = { ...page, level };
    // Whoever knows already hears of it again only if there is more.
    const to = fresh ? [...toldTo, ...next] : next;
    return to.length === 0
      ? quietly(risen)
      : send(input, { page: risen, reason: "escalated", to, firing: open, over: of.over });
  }
  const quietForMs = between(page.toldAt, now);
  const reason: MessageReason | undefined =
    fresh && quietForMs >= grownEveryMs ? "grown" : isPage && quietForMs >= settings.repeatMs ? "repeated" : undefined;
  return reason === undefined ? quietly(page) : send(input, { page, reason, to: toldTo, firing: open, over: of.over });
}

interface Sending {
  readonly page: Page;
  readonly reason: MessageReason;
  readonly to: readonly string[];
  readonly firing: readonly AlertRecord[];
  readonly over: readonly AlertRecord[];
}

function send(
  { now, fleet, settings }: NotificationInput,
  { page, reason, to, firing, over }: Sending,
): Step & { readonly page: Page } {
  const known = new Set(settings?.channels.map(({ name }) => name));
  const channels = to.filter((channel) => known.has(channel));
  const message = messageOf({ reason, name: page.name, fleet, at: now, openedAt: page.openedAt }, firing, over);
  const waiting = Object.fromEntries(channels.map((channel) => [channel, null]));
  return {
    page: { ...page, toldAt: now, reached: { ...page.reached, ...waiting } },
    messages: channels.map((channel) => ({ channel, message })),
    events: [toldEvent(message, channels)],
    tells: firing.filter(({ toldAt }) => toldAt === undefined),
  };
}
