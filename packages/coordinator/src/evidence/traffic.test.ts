import { blockMs, instant, type Outcome, type TrafficBlock } from "@sluice/core";
import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";
import type { ScriptedAgent } from "../testing/scripted-agent.ts";

/** The block that began so many blocks ago. */
const start = (ago: number) => instant((Math.floor(Date.now() / blockMs) - ago) * blockMs);

const block = (startsAt: TrafficBlock["startsAt"], outcomes: Partial<Record<Outcome, number>>): TrafficBlock => ({
  ...{ startsAt, site: "shop", binding: "shop.internal", bindingPort: 8080, hop: "proxy", outcomes },
  latency: Object.keys(outcomes).length === 0 ? [] : [0, 0, 3],
});

async function rigWithHost(options: Parameters<typeof startRig>[0] = {}) {
  const rig = await startRig(options);
  await rig.operator.apply(fleetText());
  const agent = rig.agent("web-1");
  await untilHere(agent);
  return { rig, agent };
}

const untilHere = (agent: ScriptedAgent) =>
  eventually(() => agent.received.some(({ $case }) => $case === "welcome")).toBe(true);

async function health(rig: CoordinatorRig, host = "web-1") {
  const { hosts } = await rig.operator.ask((client) => client.getHealth, { site: "shop", host, newest: 100 });
  const found = hosts.find((one) => one.host === host);
  if (found === undefined) throw new Error(`no health of ${host}`);
  return found;
}

async function traffic(rig: CoordinatorRig) {
  const { traffic: ways } = await health(rig);
  const way = ways.find(({ binding, hop }) => binding === "shop.internal" && hop === "proxy");
  if (way === undefined) throw new Error("the registered binding is missing");
  return way;
}

const acknowledged = (agent: ScriptedAgent, seq: number) => eventually(() => acks(agent)).toContain(seq);

const acks = (agent: ScriptedAgent): readonly number[] =>
  agent.received.flatMap((message) => (message.$case === "trafficBatchAck" ? [message.value.seq] : []));

test("a batch that comes twice counts once, and is acknowledged both times", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  const blocks = [block(start(3), { ok: 40, refused: 2 }), block(start(2), {}), block(start(1), { ok: 5 })];
  const seq = agent.sendTraffic(blocks);
  agent.sendTraffic(blocks, { seq });
  await eventually(() => acks(agent)).toEqual([seq, seq]);
  const { newest, history } = await traffic(rig);
  expect(newest.map(({ startsAtMs, outcomes }) => [startsAtMs, outcomes])).toEqual([
    [start(3), [40, 0, 0, 0, 0, 2]],
    [start(2), []],
    [start(1), [5]],
  ]);
  expect(history).toMatchObject({ blocks: 3, quietBlocks: 1, requests: 47, outcomes: [45, 0, 0, 0, 0, 2] });
  expect(history?.latency).toEqual([0, 0, 6]);
  expect(history?.indicators.find(({ indicator }) => indicator === "refused")).toEqual({
    ...{ indicator: "refused", cleanBlocks: 1, badShares: [2 / 42] },
  });
});

test("blocks count once in whatever order they come, also when a new batch carries an old one", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  agent.sendTraffic([block(start(1), { ok: 1 })]);
  agent.sendTraffic([block(start(3), { ok: 100 })]);
  const last = agent.sendTraffic([block(start(2), { ok: 10 }), block(start(3), { ok: 999 })]);
  await acknowledged(agent, last);
  expect((await traffic(rig)).newest.map(({ outcomes }) => outcomes)).toEqual([[100], [10], [1]]);
});

test("a coordinator that ends between counting a batch and its acknowledgement does not count it again", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  const seq = agent.sendTraffic([block(start(2), { ok: 7 })], { dropped: 3 });
  await acknowledged(agent, seq);
  await rig.restart();
  await eventually(() => agent.received.filter(({ $case }) => $case === "welcome")).toHaveLength(2);
  agent.sendTraffic([block(start(2), { ok: 7 })], { seq, dropped: 3 });
  await eventually(() => acks(agent)).toEqual([seq, seq]);
  expect((await traffic(rig)).history).toMatchObject({ blocks: 1, requests: 7 });
  expect(await health(rig)).toMatchObject({ droppedBlocks: 3 });
});

test("a new agent counts its batches anew, and what agents could not send adds up", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  agent.sendTraffic([block(start(4), { ok: 1 })]);
  await acknowledged(agent, agent.sendTraffic([block(start(3), { ok: 1 })], { dropped: 2 }));
  await agent[Symbol.asyncDispose]();
  const successor = rig.agent("web-1");
  await untilHere(successor);
  await acknowledged(successor, successor.sendTraffic([block(start(1), { ok: 1 })], { dropped: 5 }));
  expect(await health(rig)).toMatchObject({ droppedBlocks: 7, droppedSinceMs: expect.any(Number) });
  expect((await traffic(rig)).history).toMatchObject({ blocks: 3, requests: 3 });
});

test("what is older than a day is forgotten", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  const dayOfBlocks = (24 * 3_600_000) / blockMs;
  await acknowledged(agent, agent.sendTraffic([block(start(dayOfBlocks + 2), { ok: 1 }), block(start(1), { ok: 2 })]));
  expect((await traffic(rig)).history).toMatchObject({ blocks: 1, requests: 2 });
});

test("ways that are registered and were never heard of are there with nothing", async () => {
  const { rig } = await rigWithHost();
  await using _ = rig;
  expect((await health(rig)).traffic.map(({ binding, hop, history }) => [binding, hop, history?.blocks])).toEqual([
    ["shop.internal", "proxy", 0],
    ["www.shop.example", "proxy", 0],
  ]);
});

test("a batch that is outside the contract ends the session and counts nothing", async () => {
  const { rig, agent } = await rigWithHost();
  await using _ = rig;
  agent.sendTraffic([block(instant(start(1) + 1), { ok: 1 })]);
  await eventually(() => agent.refusals.join()).toContain("no block starts at");
  expect((await traffic(rig)).history).toMatchObject({ blocks: 0 });
});
