import { durationMs, type Instant, instant } from "@sluice/core";
import type { ListAlertsResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import type { Store } from "./store/store.ts";
import { type CoordinatorRig, fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";
import { fillDisk } from "./testing/fill-disk.ts";
import { type Receiver, startReceiver } from "./testing/receiver.ts";

const quick = { heartbeatMs: durationMs(100), alertLookMs: durationMs(5) };

/** Minutes of the wall clock pass in moments, so that back-offs and holds are over at once. */
const hurried = (): typeof nodeClock => {
  const start = nodeClock.now();
  return {
    ...nodeClock,
    now: (): Instant => instant(start + (nodeClock.now() - start) * 500),
    sleep: (by, signal) => nodeClock.sleep(durationMs(by < 1000 ? by : 20), signal),
  };
};

const notifying = (notifications: string): string =>
  `${fleetText({ soakMs: 20_000 })}\nnotifications: ${notifications}\n`;
const webhook = ({ url }: Receiver): string => `{ kind: webhook, url: "${url}" }`;

interface Sent {
  readonly id: string;
  readonly reason: string;
  readonly name: string;
  readonly lines: readonly string[];
}
const sentTo = ({ received }: Receiver): readonly Sent[] => received.map(({ body }) => body as Sent);
const reasonsAt = (receiver: Receiver): readonly string[] =>
  sentTo(receiver).map(({ name, reason }) => `${name} ${reason}`);

const list = ({ operator }: CoordinatorRig): Promise<ListAlertsResponse> =>
  operator.ask((client) => client.listAlerts, {});
const acknowledge = ({ operator }: CoordinatorRig, what: string, reason?: string) =>
  operator.ask((client) => client.acknowledge, { what, reason });

/** A rollout that went live in acceptance and regressed there. */
async function regress({ operator, agent }: CoordinatorRig): Promise<string> {
  const at = agent("at-1");
  const id = await operator.deploy("shop", "1.0.0", "acceptance");
  await operator.untilPhase(id, "observing");
  at.follow({ onProbe: () => ({ kind: "bad", status: 500, reason: "answered 500, expected 200" }) });
  await operator.untilPhase(id, "reverted");
  return id;
}

test("a halt pages, an acknowledgement is told to everybody who knows, and log and list tell the same", async () => {
  await using phone = await startReceiver();
  await using rig = await startRig(quick);
  await rig.operator.apply(notifying(`{ channels: { phone: ${webhook(phone)} } }`));
  const rollout = await regress(rig);
  await eventually(() => reasonsAt(phone)).toEqual(["SluiceRolloutHalted raised"]);
  expect(sentTo(phone)[0]?.lines[0]).toContain(`(rollout ${rollout})`);
  await eventually(async () => (await list(rig)).alerts[0]?.told[0]?.atMs).toBeGreaterThan(0);
  const { alerts, channels } = await list(rig);
  expect(alerts).toMatchObject([
    { name: "SluiceRolloutHalted", severity: "page", rolloutId: rollout, told: [{ channel: "phone" }] },
  ]);
  expect(channels).toMatchObject([{ name: "phone", kind: "webhook", waiting: 0 }]);
  await expect(acknowledge(rig, alerts[0]?.id ?? "")).rejects.toMatchObject({ reason: "reason-missing" });
  await expect(acknowledge(rig, "a-99", "x")).rejects.toMatchObject({ reason: "alert-unknown" });
  expect((await acknowledge(rig, rollout, "reading the log")).alerts).toMatchObject([
    { acknowledged: { by: "ada", reason: "reading the log" } },
  ]);
  await eventually(() => reasonsAt(phone).slice(1)).toEqual(["SluiceRolloutHalted acknowledged"]);
  const told = (await rig.operator.events()).filter(({ kind }) => kind.startsWith("alert."));
  expect(told.map(({ kind, by }) => [kind, by])).toEqual([
    ["alert.raised", "coordinator"],
    ["alert.acknowledged", "ada"],
  ]);
});

test("what a receiver has not taken is told after a restart under the same id, once", async () => {
  await using phone = await startReceiver();
  phone.answer = (response) => void response.writeHead(500).end();
  await using rig = await startRig({ ...quick, clock: hurried() });
  await rig.operator.apply(notifying(`{ channels: { phone: ${webhook(phone)} }, repeat: 20d }`));
  const { alert } = await rig.operator.ask((client) => client.testPage, { reason: "is anybody there" });
  await eventually(() => phone.received.length).toBeGreaterThan(1);
  phone.answer = (response) => void response.end();
  await rig.restart();
  await eventually(async () => (await list(rig)).alerts[0]?.told[0]?.atMs).toBeGreaterThan(0);
  expect((await list(rig)).alerts).toMatchObject([{ id: alert?.id, name: "SluiceTestPage" }]);
  expect(new Set(sentTo(phone).map(({ id }) => id)).size).toBe(1);
  expect(phone.received[0]?.headers["idempotency-key"]).toBe(sentTo(phone)[0]?.id);
});

test("a test page is in the status until somebody acknowledges it, and says whom it reached", async () => {
  await using phone = await startReceiver();
  await using rig = await startRig(quick);
  await rig.operator.apply(notifying(`{ channels: { phone: ${webhook(phone)} } }`));
  const { alert } = await rig.operator.ask((client) => client.testPage, {});
  await eventually(() => reasonsAt(phone)).toEqual(["SluiceTestPage raised"]);
  expect((await rig.operator.status()).remarks).toEqual([
    expect.stringMatching(/^test page a-1 was never acknowledged, .* after it was asked for; phone told$/),
  ]);
  await acknowledge(rig, alert?.id ?? "", "I am awake");
  await eventually(() => reasonsAt(phone).length).toBe(2);
  expect((await rig.operator.status()).remarks).toEqual([]);
  await eventually(async () => (await list(rig)).alerts).toEqual([]);
});

test("a channel that fails is told of on the others, passed over in the chain, and shown in the status", async () => {
  await using phone = await startReceiver();
  await using boss = await startReceiver();
  phone.answer = (response) => void response.writeHead(302, { location: "http://x" }).end();
  await using rig = await startRig({ ...quick, clock: hurried() });
  const channels = `{ phone: ${webhook(phone)}, boss: ${webhook(boss)} }`;
  await rig.operator.apply(
    notifying(`{ channels: ${channels}, chain: [{ to: [phone] }, { to: [boss], after: 20d }], repeat: 20d }`),
  );
  await rig.operator.ask((client) => client.testPage, {});
  await eventually(() => reasonsAt(boss).toSorted()).toEqual([
    "SluiceChannelFailing raised",
    "SluiceTestPage escalated",
  ]);
  const { remarks } = await rig.operator.status();
  expect(remarks.join("\n")).toMatch(
    /nobody is told by channel phone for .*: it answered 302, and redirects are not followed/,
  );
  expect((await list(rig)).channels[0]).toMatchObject({
    name: "phone",
    waiting: 1,
    failing: { failures: expect.any(Number) },
  });
  phone.answer = (response) => void response.end();
  await eventually(async () => (await list(rig)).channels[0]?.waiting).toBe(0);
  const kinds = (await rig.operator.events()).map(({ kind }) => kind).filter((kind) => kind.startsWith("channel."));
  expect(kinds).toEqual(["channel.failing", "channel.works-again"]);
});

test("a host that falls silent pages after its time, and everybody who knows hears that it speaks again", async () => {
  await using phone = await startReceiver();
  await using rig = await startRig({ ...quick, heartbeatMs: durationMs(250), clock: hurried() });
  await rig.operator.apply(notifying(`{ channels: { phone: ${webhook(phone)} }, repeat: 20d }`));
  const connected = async () => (await rig.operator.status()).hosts.filter((host) => host.connected).length;
  {
    await using _agent = rig.agent("at-1");
    await eventually(connected).toBe(1);
  }
  await eventually(() => reasonsAt(phone)).toEqual(["SluiceHostSilent raised"]);
  expect(sentTo(phone)[0]?.lines[0]).toContain("at-1 is silent");
  rig.agent("at-1");
  await eventually(() => reasonsAt(phone)).toEqual(["SluiceHostSilent raised", "SluiceHostSilent resolved"]);
});

interface Posted {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}
const postedTo = ({ received }: Receiver): readonly Posted[] =>
  received.flatMap(({ body }) => body as readonly Posted[]);

test("an Alertmanager hears everything with its end, and that the coordinator is alive; so does the dead man", async () => {
  await using manager = await startReceiver();
  await using deadMan = await startReceiver();
  await using rig = await startRig(quick);
  await rig.operator.apply(
    notifying(
      `{ channels: { am: { kind: alertmanager, url: "${manager.url}/am" } }, deadMan: { url: "${deadMan.url}/ping" } }`,
    ),
  );
  await eventually(() => deadMan.received.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /ping"]);
  const rollout = await regress(rig);
  const halted = () => postedTo(manager).filter(({ labels }) => labels["alertname"] === "SluiceRolloutHalted");
  await eventually(() => halted().length).toBe(1);
  expect(halted()[0]?.labels).toEqual({
    ...{ alertname: "SluiceRolloutHalted", severity: "page", fleet: "acme", site: "shop", environment: "acceptance" },
    rollout,
  });
  expect(postedTo(manager)[0]?.labels).toEqual({ alertname: "SluiceWatchdog", severity: "none", fleet: "acme" });
  expect(manager.received.map(({ path }) => path)).toContain("/am/api/v2/alerts");
  await rig.operator.ask((client) => client.addMute, {
    ...{ name: "quiet", reason: "x", owner: "ops", sites: [], toMs: Date.now() + 3_600_000 },
  });
  await eventually(() => halted().length).toBe(2);
  const [first, last] = halted();
  expect(Date.parse(last?.endsAt ?? "")).toBeLessThan(Date.parse(first?.endsAt ?? ""));
});

test("on a full disk, when nothing can be kept, somebody is told all the same, and the dead man is not asked", async () => {
  await using phone = await startReceiver();
  await using deadMan = await startReceiver();
  let store: Store | undefined;
  const afterCommit = (opened: Store): void => {
    store = opened;
  };
  await using rig = await startRig({ ...quick, clock: hurried(), afterCommit });
  await rig.operator.apply(
    notifying(`{ channels: { phone: ${webhook(phone)} }, deadMan: { url: "${deadMan.url}" }, repeat: 20d }`),
  );
  await eventually(() => deadMan.received.length).toBe(1);
  const at = rig.agent("at-1", { onGrant: () => ({ kind: "preparing", doing: "starting" }) });
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0", "acceptance"), "activating");
  if (store !== undefined) fillDisk(store);
  at.follow({});
  await eventually(() => reasonsAt(phone)).toContain("SluiceCoordinatorStandstill raised");
  expect(sentTo(phone).at(-1)?.lines.join()).toContain("cannot write store");
  store?.get("PRAGMA max_page_count = 1000000");
  await eventually(() => reasonsAt(phone)).toContain("SluiceCoordinatorStandstill resolved");
  const kinds = async () => (await rig.operator.events()).map(({ kind }) => kind);
  await eventually(kinds).toEqual(expect.arrayContaining(["alert.raised", "alert.over"]));
});
