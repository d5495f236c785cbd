import { describe, expect, test } from "vitest";
import type { Mute } from "../gates/gate.ts";
import { type Instant, instant, minutes } from "../units/time.ts";
import type { Alert } from "./alert.ts";
import { acknowledge, markReached, type NotificationState, noNotifications } from "./alert-record.ts";
import { type Message, messageLines, messageTitle } from "./message.ts";
import type { ChannelKind, NotificationSettings } from "./notification-settings.ts";
import { planNotifications } from "./plan-notifications.ts";

const channel = (name: string, kind: ChannelKind = "webhook") => ({ name, kind, address: { url: "http://x" } });
const settings: NotificationSettings = {
  channels: [channel("chat", "slack"), channel("phone", "ntfy"), channel("boss"), channel("manager", "alertmanager")],
  chain: [
    { to: ["chat", "phone"], afterMs: minutes(0) },
    { to: ["boss"], afterMs: minutes(10) },
  ],
  notices: ["chat"],
  repeatMs: minutes(30),
};

const at = (minute: number): Instant => instant(minutes(minute));
const silent = (host: string): Alert => ({ name: "SluiceHostSilent", labels: { host }, sentence: `${host} is silent` });
const held = (rollout: string, site = "shop"): Alert => ({
  name: "SluiceRolloutHeld",
  labels: { rollout, site },
  sentence: `${rollout} is held`,
});
const drift: Alert = { name: "SluiceDrift", labels: { host: "web-1" }, sentence: "edited" };

/** A fleet with its notifications, looked at whenever a test says so. */
class World {
  state: NotificationState = noNotifications;
  mutes: Mute[] = [];
  failing = new Set<string>();
  readonly kinds: string[] = [];

  /** `chat: raised web-1 is silent`, one for each message of this look. */
  look(minute: number, ...alerts: readonly Alert[]): readonly string[] {
    const plan = this.plan(minute, alerts);
    this.state = plan.state;
    this.kinds.push(...plan.events.map(({ kind }) => kind));
    return plan.messages.map(({ channel: to, message }) => `${to}: ${message.reason} ${wordsOf(message)}`);
  }

  plan(minute: number, alerts: readonly Alert[]) {
    const { state, mutes, failing } = this;
    return planNotifications({ now: at(minute), fleet: "acme", settings, state, alerts, mutes, failing });
  }

  ack(minute: number, number: number): void {
    const word = { by: "ada", reason: "on it", at: at(minute) };
    this.state = acknowledge(this.state, (record) => record.number === number, word);
  }

  mute(from: number, to: number, sites: readonly string[] = []): void {
    this.mutes.push({ name: "patching", owner: "ops", reason: "noise", by: "eve", from: at(from), to: at(to), sites });
  }
}

const wordsOf = ({ alerts }: Message): string => alerts.map(({ sentence }) => sentence).join(", ");

test("a page tells the first level at once, and nobody again while nothing changes", () => {
  const it = new World();
  expect(it.look(0, held("r-1"))).toEqual(["chat: raised r-1 is held", "phone: raised r-1 is held"]);
  const before = it.state;
  expect(it.look(5, held("r-1"))).toEqual([]);
  expect(it.state).toBe(before);
});

test("a fault that meets many hosts at once is one page that names them all", () => {
  const it = new World();
  const hosts = ["web-1", "web-2", "web-3"].map(silent);
  expect(it.look(0, ...hosts)).toEqual([]);
  expect(it.look(2, ...hosts)).toEqual(
    ["chat", "phone"].map((name) => `${name}: raised web-1 is silent, web-2 is silent, web-3 is silent`),
  );
  expect(it.kinds).toEqual(["alert.raised"]);
});

test("what heals before its time wakes nobody, and begins anew the next time", () => {
  const it = new World();
  it.look(0, silent("web-1"));
  expect(it.look(1)).toEqual([]);
  expect(it.look(1.5, silent("web-1"))).toEqual([]);
  expect(it.look(3, silent("web-1"))).toEqual([]);
  expect(it.look(3.5, silent("web-1"))).toHaveLength(2);
});

test("what nobody acknowledges goes up the chain after its time, then is told again to everybody who knows", () => {
  const it = new World();
  it.look(0, held("r-1"));
  expect(it.look(9.9, held("r-1"))).toEqual([]);
  expect(it.look(10, held("r-1"))).toEqual(["boss: escalated r-1 is held"]);
  expect(it.look(39, held("r-1"))).toEqual([]);
  expect(it.look(40, held("r-1")).map((words) => words.split(":")[0])).toEqual(["chat", "phone", "boss"]);
  expect(it.kinds).toEqual(["alert.raised", "alert.escalated", "alert.repeated"]);
});

test("an acknowledgement is told to who was told, and stops escalation and repeats", () => {
  const it = new World();
  it.look(0, held("r-1"));
  it.ack(3, 1);
  expect(it.look(3, held("r-1")).map((words) => words.split(" ", 2)[1])).toEqual(["acknowledged", "acknowledged"]);
  expect(it.look(10, held("r-1"))).toEqual([]);
  expect(it.look(100, held("r-1"))).toEqual([]);
  expect(it.look(101)).toEqual(["chat: resolved r-1 is held", "phone: resolved r-1 is held"]);
  expect(it.state.records).toEqual([]);
});

test("something new under an acknowledged page calls again, and the chain begins at its first level", () => {
  const it = new World();
  it.look(0, held("r-1"));
  it.look(10, held("r-1"));
  it.ack(11, 1);
  it.look(11, held("r-1"));
  expect(it.look(12, held("r-1"), held("r-2"))).toEqual(["chat: raised r-2 is held", "phone: raised r-2 is held"]);
  expect(it.look(21, held("r-1"), held("r-2"))).toEqual([]);
  expect(it.look(22, held("r-1"), held("r-2"))).toEqual(["boss: escalated r-2 is held"]);
});

test("more of what people know already is told after five minutes, in one message", () => {
  const it = new World();
  it.look(0, held("r-1"));
  expect(it.look(1, held("r-1"), held("r-2"))).toEqual([]);
  const all = [held("r-1"), held("r-2"), held("r-3")];
  expect(it.look(5, ...all)).toEqual(
    ["chat", "phone"].map((name) => `${name}: grown r-1 is held, r-2 is held, r-3 is held`),
  );
  expect(it.look(9, ...all)).toEqual([]);
});

test("notices tell their channels once and escalate to nobody", () => {
  const it = new World();
  it.look(0, drift);
  expect(it.look(1, drift)).toEqual(["chat: raised edited"]);
  expect(it.look(500, drift)).toEqual([]);
  expect(it.look(501)).toEqual(["chat: resolved edited"]);
});

describe("a mute", () => {
  test("tells nobody while it lasts, and everybody afterwards if it is still true", () => {
    const it = new World();
    it.mute(0, 60);
    expect(it.look(1, held("r-1"))).toEqual([]);
    expect(it.state.records[0]?.quiet).toContain("muted by 'patching' (ops)");
    expect(it.look(59, held("r-1"))).toEqual([]);
    expect(it.look(60, held("r-1"))).toEqual(["chat: raised r-1 is held", "phone: raised r-1 is held"]);
    expect(it.look(69, held("r-1"))).toEqual([]);
    expect(it.look(70, held("r-1"))).toEqual(["boss: escalated r-1 is held"]);
  });

  test("that begins in the middle of a page stops it, and it is told anew when it ends", () => {
    const it = new World();
    it.look(0, held("r-1"));
    it.mute(5, 20);
    expect(it.look(15, held("r-1"))).toEqual([]);
    expect(it.look(20, held("r-1"))).toHaveLength(2);
  });

  test("of what is over before it ends nobody hears", () => {
    const it = new World();
    it.mute(0, 60);
    it.look(1, held("r-1"));
    expect(it.look(30)).toEqual([]);
    expect(it.look(61)).toEqual([]);
  });

  test("of a site silences that site and nothing that concerns another one", () => {
    const it = new World();
    it.mute(0, 60, ["shop"]);
    const both = held("r-3", "shop,blog");
    expect(it.look(1, held("r-1"), held("r-2", "blog"), both)[0]).toBe("chat: raised r-2 is held, r-3 is held");
    expect(it.look(3, silent("web-1"))).toEqual([
      "chat: resolved r-2 is held, r-3 is held",
      "phone: resolved r-2 is held, r-3 is held",
    ]);
    expect(it.look(5, silent("web-1"))).toHaveLength(2);
  });

  test("does not silence a test page, which somebody wants to hear", () => {
    const it = new World();
    it.mute(0, 60);
    expect(it.look(1, { name: "SluiceTestPage", labels: {}, sentence: "a test" })).toHaveLength(2);
  });
});

test("a blind coordinator says so once instead of once for every host that it does not see", () => {
  const it = new World();
  const blind: Alert = { name: "SluiceCoordinatorBlind", labels: {}, sentence: "9 of 10 are silent" };
  const all = [blind, ...["web-1", "web-2", "web-3"].map(silent)];
  it.look(0, ...all);
  expect(it.look(3, ...all)).toEqual(["chat: raised 9 of 10 are silent", "phone: raised 9 of 10 are silent"]);
  expect(it.look(9, silent("web-3"))).toEqual([
    "chat: raised web-3 is silent",
    "phone: raised web-3 is silent",
    "chat: resolved 9 of 10 are silent",
    "phone: resolved 9 of 10 are silent",
  ]);
});

describe("a channel that fails", () => {
  const failing: Alert = { name: "SluiceChannelFailing", labels: { channel: "phone" }, sentence: "answered 500" };

  test("is told on the others", () => {
    const it = new World();
    expect(it.look(0, failing)).toEqual(["chat: raised answered 500"]);
  });

  test("costs no time: when nobody of a level can be reached the next level is told at once", () => {
    const it = new World();
    it.failing = new Set(["chat", "phone"]);
    expect(it.look(0, held("r-1")).map((words) => words.split(":")[0])).toEqual(["chat", "phone", "boss"]);
    const late = new World();
    late.look(0, held("r-1"));
    late.failing = new Set(["chat", "phone"]);
    expect(late.look(1, held("r-1"))).toEqual(["boss: escalated r-1 is held"]);
  });

  test("that is the only one of its level is told of on whatever else there is", () => {
    const it = new World();
    const onlyPhone = { ...settings, chain: [{ to: ["phone"], afterMs: minutes(0) }] };
    const plan = planNotifications({ ...inputOf(it), settings: onlyPhone, alerts: [failing] });
    expect(plan.messages.map(({ channel: to }) => to)).toEqual(["chat", "boss"]);
  });
});

const inputOf = ({ state, mutes, failing }: World) => ({ now: at(0), fleet: "acme", state, mutes, failing });

test("where nobody is to be told, alerts are kept and known all the same", () => {
  const it = new World();
  const plan = planNotifications({ ...inputOf(it), alerts: [held("r-1")] });
  expect(plan.messages).toEqual([]);
  expect(plan.events).toEqual([]);
  expect(plan.state.records).toMatchObject([{ number: 1, alert: { name: "SluiceRolloutHeld" } }]);
});

test("a page remembers which channel took its message and which has not", () => {
  const it = new World();
  it.look(0, held("r-1"));
  it.state = markReached(it.state, "SluiceRolloutHeld", "chat", at(1));
  expect(it.state.pages[0]?.reached).toEqual({ chat: at(1), phone: null });
});

test("the words of a message say what is new, since when, and how to acknowledge", () => {
  const it = new World();
  it.look(0, held("r-1"), held("r-2"));
  const { messages } = it.plan(10, [held("r-1"), held("r-2")]);
  const message = messages[0]?.message;
  expect(message && messageTitle(message)).toBe(
    "[acme] nobody acknowledged for 10m: a rollout was halted and waits for a person (2)",
  );
  expect(message && messageLines(message)).toEqual([
    "a-1 r-1 is held (for 10m)",
    "a-2 r-2 is held (for 10m)",
    "acknowledge: sluice ack a-1 --reason …",
  ]);
});

test("a message of a whole fleet names the first twenty, and how many more there are", () => {
  const it = new World();
  const hosts = Array.from({ length: 50 }, (_, index) => silent(`web-${index}`));
  it.look(0, ...hosts);
  const message = it.plan(2, hosts).messages[0]?.message;
  expect(message?.alerts).toHaveLength(20);
  expect(message && messageLines(message)).toContain("and 30 more: sluice alert list");
  expect(message && messageTitle(message)).toBe("[acme] a host is silent (50)");
});
