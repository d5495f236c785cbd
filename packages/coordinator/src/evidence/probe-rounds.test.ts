import { seconds } from "@sluice/core";
import { expect, test } from "vitest";
import { fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;
const never = { probeEveryMs: 3_600_000 };
/** As many as it takes to pass. */
const goodRounds = [1, 2, 3, 4, 5, 6, 7, 8];

test("rounds are kept with status and reason over a restart, each once", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const at = rig.agent("at-1", {}, never);
  rig.agent("web-1");
  rig.agent("web-2");
  const id = await rig.operator.deploy("shop", "1.0.0", "acceptance");
  await eventually(() => at.running.size).toBeGreaterThan(0);
  for (const _ of goodRounds) await nextRound(at);
  await rig.operator.untilPhase(id, "completed");
  at.follow({ onProbe: () => ({ kind: "bad", status: 400, reason: "answered 400, expected 200" }) });
  await nextRound(at);
  at.repeatBatch();
  await rig.restart();
  const { hosts: found } = await rig.operator.ask((client) => client.getHealth, { site: "shop", host: "at-1" });
  const slot = found[0]?.probes.find(({ hop }) => hop === "slot");
  expect(slot).toMatchObject({
    binding: "shop.at.internal",
    bindingPort: 8080,
    probe: "GET /healthz",
    good: goodRounds.length,
    bad: 1,
  });
  expect(slot?.newest.map(({ outcome }) => outcome)).toEqual([
    ...goodRounds.map(() => ({ $case: "good", value: { status: 200 } })),
    { $case: "bad", value: { status: 400, reason: "answered 400, expected 200" } },
  ]);
});

test("a probe that begins to fail has the site asked more often on all hosts that are compared, once", async () => {
  await using rig = await startRig({ probeEveryMs: seconds(10) });
  await rig.operator.apply(fleetText());
  const agents = hosts.map((host) => rig.agent(host));
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  const orders = () =>
    agents.map(({ received }) => received.flatMap((one) => (one.$case === "recheckOrder" ? [one.value] : [])));
  expect(orders()).toEqual([[], [], []]);
  const before = Date.now();
  agents[1]?.follow({
    onProbe: ({ hop }) => (hop === "edge" ? { kind: "bad", reason: "refused" } : { kind: "good", status: 200 }),
  });
  await eventually(() => orders().map(({ length }) => length)).toEqual([0, 1, 1]);
  const [, [order] = []] = orders();
  expect(order).toMatchObject({ site: "shop", everyMs: 2000 });
  expect(order?.untilMs).toBeGreaterThanOrEqual(before + 30_000);
  agents[1]?.probeNow();
  await eventually(() => agents[1]?.received.at(-1)?.$case).toBe("probeBatchAck");
  expect(orders().map(({ length }) => length)).toEqual([0, 1, 1]);
});

/** A round of its own millisecond, counted. */
async function nextRound(agent: ReturnType<Awaited<ReturnType<typeof startRig>>["agent"]>): Promise<void> {
  const counted = () => agent.received.filter(({ $case }) => $case === "probeBatchAck").length;
  const before = counted();
  agent.probeNow();
  await eventually(() => counted()).toBe(before + 1);
}
