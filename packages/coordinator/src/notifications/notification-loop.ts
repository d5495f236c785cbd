import {
  type Channel,
  type DurationMs,
  durationMs,
  type Instant,
  type NotificationSettings,
  seconds,
} from "@sluice/core";
import type { Clock, Running } from "@sluice/runtime";
import type { Bell } from "../bell.ts";
import type { WaitingMessage } from "../store/notifications.ts";
import { type AlertDesk, deadManName } from "./alert-desk.ts";
import {
  alertsPerPost,
  encodeAlert,
  endedAlert,
  managerEveryMs,
  type PostableAlert,
  watchdogAlert,
} from "./encode-alerts.ts";
import { encodeMessage } from "./encode-message.ts";
import type { Secrets } from "./secrets.ts";
import { type Outcome, type Teller, tellWithinMs } from "./tell.ts";

export interface NotificationLoopOptions {
  readonly desk: AlertDesk;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly teller: Teller;
  /** Rung after every change that may be an alert. */
  readonly changed: Bell;
  /** How far looks are apart at least. */
  readonly lookMs: DurationMs;
}

/** How long the world is left alone when nothing changes: escalations and muted alerts come by time alone. */
const lookAtLeastMs = seconds(5);

const deadManEveryMs = seconds(60);

interface Told {
  readonly nextAt: number;
  /** What an Alertmanager takes for firing, by number. */
  readonly firing: ReadonlyMap<number, PostableAlert>;
}

/** Looks, and sends: each channel by itself, so that one that hangs keeps no other. */
export class NotificationLoop implements Running {
  readonly done: Promise<void>;
  readonly #options: NotificationLoopOptions;
  readonly #stop = new AbortController();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #managers = new Map<string, Told>();
  readonly #startedAt: Instant;
  #deadManAt = 0;

  constructor(options: NotificationLoopOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
    await Promise.all(this.#busy.values());
  }

  async #run(): Promise<void> {
    const { clock, changed, lookMs, desk } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const heard = changed.rings;
      desk.look();
      this.#send();
      await clock.sleep(lookMs, signal).catch(() => undefined);
      await this.#wait(heard);
    }
  }

  async #wait(heard: number): Promise<void> {
    const { clock, changed, lookMs, desk } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop.signal]);
    const quietMs = desk.quietLeftMs;
    const leftMs = quietMs > 0 ? Math.min(quietMs, lookAtLeastMs) : lookAtLeastMs - lookMs;
    const due = clock.sleep(durationMs(Math.max(0, leftMs)), signal).catch(() => undefined);
    await Promise.race([due, changed.wait(heard, signal)]);
    over.abort();
  }

  #send(): void {
    const { desk } = this.#options;
    const { settings } = desk;
    if (settings === undefined) return;
    const channels = new Map(settings.channels.map((channel) => [channel.name, channel]));
    for (const waiting of desk.due()) {
      const channel = channels.get(waiting.channel);
      if (channel !== undefined) this.#attempt(channel.name, () => this.#tellMessage(channel, waiting), waiting);
    }
    for (const channel of settings.channels) if (channel.kind === "alertmanager") this.#tellManager(channel);
    this.#tellDeadMan(settings);
  }

  /** One attempt at a time for each channel; what comes meanwhile is seen at the next look. */
  #attempt(channel: string, tell: () => Promise<Outcome>, sent?: WaitingMessage, then?: () => void): void {
    if (this.#busy.has(channel)) return;
    const { desk, changed } = this.#options;
    const work = tell().then((outcome) => {
      this.#busy.delete(channel);
      // Whoever stops in the middle knows nothing of the outcome, and repeats it after the next start.
      if (this.#stop.signal.aborted) return;
      desk.settle(channel, outcome, sent);
      if (outcome.failure === undefined) then?.();
      changed.ring();
    });
    this.#busy.set(channel, work);
  }

  #tellMessage(channel: Channel, { id, message }: WaitingMessage): Promise<Outcome> {
    const { kind, address } = channel;
    if (kind === "alertmanager") return Promise.resolve({});
    const post = async () => encodeMessage(kind, await this.#options.secrets.url(address), id, message);
    return this.#post(channel, post, id);
  }

  #post(channel: Channel, post: () => Promise<{ readonly url: URL; readonly body: unknown }>, id?: string) {
    const { teller, secrets } = this.#options;
    const { tokenFile } = channel;
    return teller.tell({
      method: "POST",
      post,
      signal: this.#stop.signal,
      ...(id === undefined ? {} : { id }),
      ...(tokenFile === undefined ? {} : { token: () => secrets.read(tokenFile) }),
    });
  }

  /** Everything that fires, once a minute and whenever it is something else; what is over is told once with its end. */
  #tellManager(channel: Channel): void {
    const { desk, clock } = this.#options;
    const now = clock.now();
    const before = this.#managers.get(channel.name);
    const firing = new Map(desk.loud().map((record) => [record.number, encodeAlert(record, desk.fleet, now)]));
    const over = [...(before?.firing ?? [])].filter(([number]) => !firing.has(number)).map(([, alert]) => alert);
    const isNew = over.length > 0 || [...firing.keys()].some((number) => before?.firing.has(number) !== true);
    if (!desk.isReady(channel.name) || (clock.monotonic() < (before?.nextAt ?? 0) && !isNew)) return;
    const ended = over.map((alert) => endedAlert(alert, now));
    const watchdog = desk.standstill === undefined ? [watchdogAlert(desk.fleet, now, this.#startedAt)] : [];
    const alerts = [...watchdog, ...firing.values(), ...ended];
    const told = { firing, nextAt: clock.monotonic() + managerEveryMs };
    this.#attempt(
      channel.name,
      () => this.#postAlerts(channel, alerts),
      undefined,
      () => this.#managers.set(channel.name, told),
    );
  }

  async #postAlerts(channel: Channel, alerts: readonly PostableAlert[]): Promise<Outcome> {
    for (let from = 0; from < alerts.length; from += alertsPerPost) {
      const body = alerts.slice(from, from + alertsPerPost);
      const outcome = await this.#post(channel, async () => {
        const base = await this.#options.secrets.url(channel.address);
        base.pathname = `${base.pathname.replace(/\/$/, "")}/api/v2/alerts`;
        return { url: base, body };
      });
      if (outcome.failure !== undefined) return outcome;
    }
    return {};
  }

  /** Not asked while nothing is decided, or while decisions can't be kept. */
  #tellDeadMan({ deadMan }: NotificationSettings): void {
    const { desk, clock, teller, secrets } = this.#options;
    if (deadMan === undefined || clock.monotonic() < this.#deadManAt) return;
    if (desk.standstill !== undefined || !desk.isSaved) return;
    if (this.#busy.has(deadManName)) return;
    // Asked again in a minute whether it answers or not: whoever waits there counts minutes.
    this.#deadManAt = clock.monotonic() + Math.max(deadManEveryMs, tellWithinMs);
    const post = async () => ({ url: await secrets.url(deadMan), body: undefined });
    this.#attempt(deadManName, () => teller.tell({ method: "GET", post, signal: this.#stop.signal }));
  }
}
