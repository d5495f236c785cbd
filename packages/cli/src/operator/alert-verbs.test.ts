import { Alert, Channel, type ListAlertsResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";

const alert = (unusual: Partial<Alert> = {}): Alert =>
  Alert.fromPartial({
    id: "a-1",
    name: "SluiceRolloutHeld",
    severity: "page",
    title: "a rollout was halted and waits for a person",
    sentence: "shop 2 (rollout r-1) is held",
    sinceMs: 1000,
    site: "shop",
    rolloutId: "r-1",
    ...unusual,
  });
const channel = (unusual: Partial<Channel>): Channel =>
  Channel.fromPartial({ name: "phone", kind: "ntfy", waiting: 0, ...unusual });
const failing = { sinceMs: 1000, failures: 4, sentence: "it answered 500", retryAtMs: 90_000 };
const listing = (alerts: readonly Alert[], channels: readonly Channel[]): ListAlertsResponse => ({
  alerts: [...alerts],
  channels: [...channels],
  nowMs: 61_000,
});

const run = (unary: Parameters<typeof runAgainst>[1]["unary"] & object, ...args: readonly string[]) =>
  runAgainst("/nonexistent", { unary }, args);

test("alert list shows what is wrong, who was told and who looks after it, and how the channels do", async () => {
  const alerts = [
    alert({
      told: [
        { channel: "phone", atMs: 2000 },
        { channel: "boss", atMs: undefined },
      ],
    }),
    alert({ id: "a-2", acknowledged: { by: "ada", reason: "on it", atMs: 1 } }),
    alert({ id: "a-3", severity: "notice", quiet: "muted by 'patching' (ops): noise" }),
    alert({ id: "a-4" }),
  ];
  const channels = [channel({ workedAtMs: 31_000 }), channel({ name: "boss", kind: "webhook", waiting: 1, failing })];
  const { exit, world } = await run({ listAlerts: () => listing(alerts, channels) }, "alert", "list");
  expect(exit).toBe(0);
  const out = world.out();
  expect(out).toMatch(
    /a-1 +page +SluiceRolloutHeld +1m +shop r-1 +phone told; boss not reached yet; never acknowledged/,
  );
  expect(out).toMatch(/a-2 .*acknowledged by ada: on it/);
  expect(out).toMatch(/a-3 +notice .*muted by 'patching' \(ops\): noise/);
  expect(out).toMatch(/a-4 .*nobody told/);
  expect(out).toContain("a-1: shop 2 (rollout r-1) is held");
  expect(out).toMatch(/phone +ntfy +30s ago +0 +works/);
  expect(out).toMatch(/boss +webhook +never +1 +fails for 1m, 4 times: it answered 500/);
});

test("alert list says so when nobody is told, and as JSON gives what the coordinator answered", async () => {
  const { world } = await run({ listAlerts: () => listing([], []) }, "alert", "list");
  expect(world.out()).toContain("no alert\n\nnobody is told of alerts: the fleet file has no notifications");
  const json = await run({ listAlerts: () => listing([alert()], []) }, "alert", "list", "--json");
  expect(JSON.parse(json.world.out())).toMatchObject({ alerts: [{ id: "a-1", rolloutId: "r-1" }], nowMs: 61_000 });
});

test("alert test asks until everybody was reached or failed, and fails when somebody was not", async () => {
  const page = alert({ id: "a-7", name: "SluiceTestPage", told: [{ channel: "phone", atMs: undefined }] });
  const reached = alert({ ...page, told: [{ channel: "phone", atMs: 62_000 }] });
  const channels = [
    channel({ workedAtMs: 62_000 }),
    channel({ name: "boss" }),
    channel({ name: "am", kind: "alertmanager", workedAtMs: 62_000 }),
  ];
  const answers = [listing([page], channels), listing([reached], channels)];
  const good = await run(
    { testPage: () => ({ alert: page }), listAlerts: () => answers.shift() ?? listing([], []) },
    ...["alert", "test", "--reason", "monthly"],
  );
  expect(good.exit).toBe(0);
  expect(good.asked.map(({ method }) => method)).toEqual(["testPage", "listAlerts", "listAlerts"]);
  expect(good.asked[0]?.request).toEqual({ reason: "monthly" });
  expect(good.world.out()).toMatch(/phone +took it\nboss +is told when nobody acknowledges in time/);
  expect(good.world.out()).toContain("has to acknowledge it: sluice ack a-7 --reason");
  const bad = await run(
    { testPage: () => ({ alert: page }), listAlerts: () => listing([page], [channel({ failing })]) },
    ...["alert", "test"],
  );
  expect([bad.exit, bad.world.out()]).toEqual([1, expect.stringContaining("not reached: it answered 500")]);
  const none = await run({ testPage: () => ({ alert: page }), listAlerts: () => listing([page], []) }, "alert", "test");
  expect([none.exit, none.world.out()]).toEqual([1, expect.stringContaining("nobody is told")]);
});

test("ack says whose alert it is from now on, and of a rollout that waits for it where that stands", async () => {
  const acknowledged = { by: "anna", reason: "on it", atMs: 1 };
  const one = await run(
    { acknowledge: () => ({ alerts: [alert({ acknowledged })], rollout: undefined }) },
    ...["ack", "a-1", "--reason", "on it"],
  );
  expect(one.asked[0]?.request).toEqual({ what: "a-1", reason: "on it" });
  expect(one.world.out()).toBe("a-1 (a rollout was halted and waits for a person) is acknowledged by anna\n");
  const two = await run({ acknowledge: () => ({ alerts: [], rollout: rolloutOf() }) }, "ack", "r-1");
  expect(two.world.out()).toContain("r-1: activating wave 1 of 1 in acceptance; follow it: sluice rollout watch r-1");
});
