import {
  type Alert,
  type AlertRecord,
  acknowledge,
  acknowledgedEvent,
  afterAttempt,
  alertId,
  between,
  type ChannelHealth,
  channelEvent,
  channelFailuresMax,
  type DurationMs,
  durationMs,
  findAlerts,
  formatDuration,
  type Instant,
  instant,
  isLoud,
  markReached,
  type NewEvent,
  type NotificationSettings,
  Problem,
  planNotifications,
  testPageEvent,
} from "@sluice/core";
import type { Clock, Ids } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { appendEvent } from "../store/event-log.ts";
import {
  isSameNotifications,
  type Notifications,
  readNotifications,
  type WaitingMessage,
  waitingKey,
  writeNotifications,
} from "../store/notifications.ts";
import { readOrders, writeTestPage } from "../store/standing-orders.ts";
import type { Db, Store } from "../store/store.ts";
import { type AlertSources, alertFacts, nothingKnown } from "./alert-facts.ts";
import type { Outcome } from "./tell.ts";

export interface AlertDeskOptions extends Omit<AlertSources, "store"> {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Somebody acknowledged or asked for something: look again, and show it. */
  readonly asked: () => void;
  /** How long after a start nothing new is looked for. */
  readonly quietMs: DurationMs;
}

/** What the dead man's address is called among channels; no channel can have this name. */
export const deadManName = "deadMan";

/** A message that no channel took for so long is about yesterday. */
const staleAfterMs = durationMs(24 * 60 * 60_000);

/**
 * What is wrong, who was told, and what waits to be sent. A message is kept in the transaction of the decision to send it,
 * and forgotten when its channel has taken it: a crash between costs a repetition under the same id, never a page. On a
 * full disk it goes on from memory, because that is a night on which somebody has to be told.
 */
export class AlertDesk {
  readonly #options: AlertDeskOptions;
  #now: Notifications;
  #stored: Notifications;
  readonly #quietUntil: number;
  #untold: NewEvent[] = [];

  constructor(options: AlertDeskOptions) {
    this.#options = options;
    this.#quietUntil = options.clock.monotonic() + options.quietMs;
    this.#stored = readNotifications(options.store);
    this.#now = this.#stored;
  }

  /** Whom to tell, by the applied fleet file. */
  get settings(): NotificationSettings | undefined {
    return this.#options.fleets.applied?.fleet.notifications;
  }

  get fleet(): string {
    return this.#options.fleets.applied?.fleet.name ?? "";
  }

  get notifications(): Notifications {
    return this.#now;
  }

  /** False: the newest decisions are in memory only. */
  get isSaved(): boolean {
    return this.#untold.length === 0 && isSameNotifications(this.#now, this.#stored);
  }

  /** How long after its start nothing new is looked for yet; 0 when that is over. */
  get quietLeftMs(): number {
    return Math.max(0, this.#quietUntil - this.#options.clock.monotonic());
  }

  /** Why nothing is decided at all; undefined in good order. */
  get standstill(): string | undefined {
    return this.#options.standstill();
  }

  /** Alerts that people are to be told of, acknowledged or not. */
  loud(): readonly AlertRecord[] {
    const now = this.#options.clock.now();
    return this.#now.state.records.filter((record) => isLoud(record, now));
  }

  /** A test page that nobody acknowledged, and channels that nobody is reached by. */
  remarks(): readonly string[] {
    const now = this.#options.clock.now();
    const { state } = this.#now;
    const test = state.records.find(({ alert }) => alert.name === "SluiceTestPage");
    const reached = Object.keys(state.pages.find(({ name }) => name === "SluiceTestPage")?.reached ?? {});
    const failing = [...this.#healthOf(this.settings).values()].flatMap(({ channel, failing: trouble }) =>
      trouble === undefined || trouble.failures < channelFailuresMax
        ? []
        : [
            `nobody is told by channel ${channel} for ${formatDuration(between(trouble.since, now))}: ${trouble.sentence}`,
          ],
    );
    if (test === undefined || test.acked !== undefined) return failing;
    const to = reached.length === 0 ? "nobody is to be told of pages" : `${reached.join(", ")} told`;
    const age = formatDuration(between(test.since, now));
    return [`test page ${alertId(test)} was never acknowledged, ${age} after it was asked for; ${to}`, ...failing];
  }

  /** Finds what is wrong now and decides whom to tell. */
  look(): void {
    const { clock, store } = this.#options;
    const { settings } = this;
    const now = clock.now();
    const { state, waiting, health } = this.#now;
    const failing = [...health.values()].filter((one) => (one.failing?.failures ?? 0) >= channelFailuresMax);
    const plan = planNotifications({
      now,
      fleet: this.fleet,
      ...(settings === undefined ? {} : { settings }),
      state,
      alerts: this.#alerts(settings, now),
      mutes: readOrders(store, "mute"),
      failing: new Set(failing.map(({ channel }) => channel)),
    });
    const sent = plan.messages.map(({ channel, message }): WaitingMessage => {
      return { id: this.#options.ids.newId("m"), channel, message, attempts: 0 };
    });
    this.#keep({ state: plan.state, waiting: this.#waitingWith(waiting, sent, now), health }, plan.events);
  }

  /** The next message of each channel that is ready for one: those with the fewest attempts first, so that none is in the way. */
  due(): readonly WaitingMessage[] {
    const next = new Map<string, WaitingMessage>();
    for (const one of this.#now.waiting.values()) {
      const other = next.get(one.channel);
      if (other === undefined || one.attempts < other.attempts) next.set(one.channel, one);
    }
    return [...next.values()].filter(({ channel }) => this.isReady(channel));
  }

  /** It does not wait for the time of another attempt. */
  isReady(channel: string): boolean {
    const failing = this.#now.health.get(channel)?.failing;
    return failing === undefined || this.#options.clock.now() >= failing.retryAt;
  }

  /** What became of an attempt; `sent` is absent where the message was not one of those that wait. */
  settle(channel: string, outcome: Outcome, sent?: WaitingMessage): void {
    const now = this.#options.clock.now();
    const before: ChannelHealth = this.#now.health.get(channel) ?? { channel };
    const after = afterAttempt(before, outcome, now);
    const health = new Map(this.#now.health).set(channel, after);
    const { state, waiting } = sent === undefined ? this.#now : this.#after(sent, outcome, now);
    this.#keep({ state, waiting, health }, turnEvents(before, after, now));
    if (outcome.failure !== undefined) {
      const { log } = this.#options;
      const retryAt = after.failing?.retryAt;
      log.warn({ channel, sentence: outcome.failure, message: sent?.id, retryAt }, "notification.failed");
    }
  }

  /** `a-17`, or the id of a rollout: every alert about it. Throws for a word without a reason, or about nothing. */
  acknowledge(what: string, by: string, reason: string | undefined): readonly AlertRecord[] {
    const isMeant = (record: AlertRecord): boolean => alertId(record) === what || record.alert.labels.rollout === what;
    const meant = this.#now.state.records.filter((record) => record.acked === undefined && isMeant(record));
    if (meant.length === 0) return [];
    if (reason === undefined || reason.trim() === "") {
      throw new Problem("reason-missing", `cannot acknowledge '${what}' without a reason`, {
        hint: "say what you do about it with --reason",
      });
    }
    const word = { by, reason, at: this.#options.clock.now() };
    const state = acknowledge(this.#now.state, (record) => meant.includes(record), word);
    const isTest = meant.some(({ alert }) => alert.name === "SluiceTestPage");
    const endTest = (db: Db): void => writeTestPage(db, undefined);
    this.#keep({ ...this.#now, state }, [acknowledgedEvent(meant, word)], isTest ? endTest : undefined);
    this.#options.asked();
    return state.records.filter(isMeant);
  }

  /** Pages whoever is to be paged; the answer is the alert, which is over when somebody acknowledges it. */
  testPage(by: string, reason: string | undefined): AlertRecord {
    const at = this.#options.clock.now();
    const test = { by, at, ...(reason === undefined || reason === "" ? {} : { reason }) };
    // A test that nobody acknowledged is over when the next one begins: what is tested is who is reached now.
    const { state } = this.#now;
    const others = {
      ...state,
      records: state.records.filter(({ alert }) => alert.name !== "SluiceTestPage"),
      pages: state.pages.filter(({ name }) => name !== "SluiceTestPage"),
    };
    this.#keep({ ...this.#now, state: others }, [testPageEvent(by, test.reason, at)], (db) => writeTestPage(db, test));
    this.look();
    this.#options.asked();
    const asked = this.#now.state.records.find(({ alert }) => alert.name === "SluiceTestPage");
    if (asked === undefined) throw new Problem("internal", "a test page that was asked for is not there");
    return asked;
  }

  /** While hosts have yet to speak and rollouts to be planned after a start, what was wrong before still is. */
  #alerts(settings: NotificationSettings | undefined, now: Instant): readonly Alert[] {
    const facts = alertFacts(this.#options, this.#healthOf(settings), now);
    if (this.quietLeftMs === 0) return findAlerts(facts);
    const known = this.#now.state.records.map(({ alert }) => alert).filter(({ name }) => name !== "SluiceTestPage");
    const test = findAlerts({ ...facts, ...nothingKnown }).filter(({ name }) => name === "SluiceTestPage");
    return [...known, ...test];
  }

  #after({ id, channel, message }: WaitingMessage, { failure }: Outcome, now: Instant): Omit<Notifications, "health"> {
    const { state } = this.#now;
    const waiting = new Map(this.#now.waiting);
    const key = waitingKey(channel, message.name);
    const still = waiting.get(key);
    // Another one has taken its place meanwhile, and is about to be sent.
    if (still?.id !== id) return { state, waiting };
    if (failure !== undefined) return { state, waiting: waiting.set(key, { ...still, attempts: still.attempts + 1 }) };
    waiting.delete(key);
    return { state: markReached(state, message.name, channel, now), waiting };
  }

  /** Of channels that the fleet file has no more nothing is said. */
  #healthOf(settings: NotificationSettings | undefined): ReadonlyMap<string, ChannelHealth> {
    const known = new Set(settings?.channels.map(({ name }) => name));
    if (settings?.deadMan !== undefined) known.add(deadManName);
    return new Map([...this.#now.health].filter(([channel]) => known.has(channel)));
  }

  #waitingWith(
    waiting: Notifications["waiting"],
    sent: readonly WaitingMessage[],
    now: Instant,
  ): Notifications["waiting"] {
    const known = new Set(this.settings?.channels.map(({ name }) => name));
    const gone = [...waiting].filter(
      ([, { channel, message }]) => !known.has(channel) || message.at < instant(now - staleAfterMs),
    );
    if (gone.length === 0 && sent.length === 0) return waiting;
    const next = new Map(waiting);
    for (const [key] of gone) next.delete(key);
    for (const one of sent) {
      const key = waitingKey(one.channel, one.message.name);
      next.delete(key);
      next.set(key, one);
    }
    return next;
  }

  #keep(next: Notifications, events: readonly NewEvent[], also?: (db: Db) => void): void {
    const { store, log } = this.#options;
    this.#now = next;
    this.#untold.push(...events);
    if (also === undefined && this.isSaved) return;
    try {
      store.transact((db) => {
        also?.(db);
        writeNotifications(db, this.#stored, next);
        for (const event of this.#untold) appendEvent(db, event);
      });
    } catch (error) {
      if (also !== undefined || !(error instanceof Problem) || error.reason !== "disk-full") throw error;
      return;
    }
    this.#stored = next;
    for (const { kind, sentence, rollout, host } of this.#untold) log.info({ rollout, host, sentence }, kind);
    this.#untold = [];
  }
}

/** Told when a channel has failed often enough that somebody should know, and when it works again. */
function turnEvents(before: ChannelHealth, after: ChannelHealth, now: Instant): readonly NewEvent[] {
  const [was, is] = [before.failing?.failures ?? 0, after.failing?.failures ?? 0];
  if (is === channelFailuresMax) return [channelEvent(after.channel, after.failing?.sentence, now)];
  return is === 0 && was >= channelFailuresMax ? [channelEvent(after.channel, undefined, now)] : [];
}
