import { setTimeout as delay } from "node:timers/promises";
import {
  blockMs,
  type HostObservation,
  type Intent,
  instant,
  type ProbeResult,
  type TrafficBlock,
  type UnitKey,
} from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test } from "vitest";
import { CoordinatorTime } from "../probing-schedule/coordinator-time.ts";
import type { Recheck } from "../probing-schedule/start-probing.ts";
import { loopbackCredentials } from "./agent-credentials.ts";
import { Outbox } from "./outbox.ts";
import { startSession } from "./start-session.ts";
import { type FakeCoordinator, startFakeCoordinator } from "./testing/fake-coordinator.ts";

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited until ${what}`);
    await delay(5);
  }
}

const observation: HostObservation = {
  host: "web-1",
  at: instant(1),
  agent: { version: "1", startedAt: instant(1) },
  maxFence: 2,
  generation: 7,
  intentDigest: "sha256:x",
  units: [],
  grants: [],
  remarks: [],
};

function startWith(coordinator: Pick<FakeCoordinator, "address">, seen: Partial<HostObservation> = {}) {
  const told = { ...observation, ...seen };
  const results = new Outbox<ProbeResult>(100);
  const traffic = new Outbox<TrafficBlock>(5);
  const coordinatorTime = new CoordinatorTime(nodeClock);
  const rechecks: Recheck[] = [];
  const obeyed: Intent[] = [];
  const windows: number[] = [];
  const session = startSession({
    host: "web-1",
    agentVersion: "1",
    coordinator: coordinator.address,
    credentials: loopbackCredentials,
    clock: nodeClock,
    log: openLog({ name: "agent", level: "silent" }),
    chance: () => 0.1,
    epoch: "epoch-1",
    memory: () => ({ maxFence: 2, generation: 7, digest: "sha256:x", wantsIntent: true }),
    obey: async (intent) => {
      obeyed.push(intent);
      return { generation: intent.generation, verdict: "apply", sentence: "obeyed" };
    },
    observation: () => told,
    ...{ results, traffic, coordinatorTime },
    recheck: (recheck) => rechecks.push(recheck),
    askSite: async () => [],
    reconnectAfterMs: () => 50,
    keepReconnectAfter: (ms) => windows.push(ms),
  });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return { session, results, traffic, coordinatorTime, rechecks, obeyed, windows };
}

const body = { environment: "production", unconfirmed: "revert", sites: [], units: [], grants: [] } as const;

test("a session begins with what the agent remembers, and an intent is judged in it", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.order({ host: "web-1", generation: 8, fence: 3, body });
  const { obeyed, windows } = startWith(coordinator);
  await until("judged", () => coordinator.judgements.length === 1);
  expect(coordinator.hellos).toMatchObject([{ host: "web-1", maxFence: 2, generation: 7, wantsIntent: true }]);
  expect(obeyed).toMatchObject([{ generation: 8, fence: 3, body }]);
  expect(coordinator.observation).toEqual({ ...observation, at: expect.any(Number) });
  expect(windows).toEqual([50]);
});

test("a session that breaks is begun again, and results without an answer are sent again with the same number", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.acknowledge = false;
  const { session, results } = startWith(coordinator);
  await until("connected", () => session.connected);
  const { host, at } = observation;
  const outcome = { kind: "good", status: 200 } as const;
  results.add([{ host, at, site: "shop", binding: "b", hop: "slot", probe: "GET /", tookMs: 1, outcome }]);
  session.changed();
  await until("sent", () => coordinator.batches.length === 1);
  coordinator.acknowledge = true;
  coordinator.hangUp();
  await until("sent again", () => coordinator.batches.length === 2);
  expect(coordinator.batches[1]).toEqual(coordinator.batches[0]);
  await until("acknowledged", () => !results.awaitsAck);
  expect(coordinator.hellos.length).toBeGreaterThanOrEqual(2);
});

test("a coordinator that is away is found again when it comes back", async () => {
  const first = await startFakeCoordinator();
  const { session } = startWith(first);
  await until("connected", () => session.connected);
  await first[Symbol.asyncDispose]();
  await until("gone", () => !session.connected);
  await using second = await startFakeCoordinator(Number(first.address.split(":")[1]));
  await until("back", () => session.connected);
  expect(second.hellos).toHaveLength(1);
});

const block = (number: number, ok = 0): TrafficBlock => ({
  ...{ startsAt: instant(number * blockMs), site: "shop", binding: "b", bindingPort: 80, hop: "proxy" },
  outcomes: ok === 0 ? {} : { ok },
  latency: [],
});

test("blocks that are not acknowledged are sent again over the next session; what found no room meanwhile is counted", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.acknowledge = false;
  const { session, traffic } = startWith(coordinator);
  await until("connected", () => session.connected);
  traffic.add([block(1, 7)]);
  session.changed();
  await until("sent", () => coordinator.trafficBatches.length === 1);
  coordinator.hangUp();
  await until("gone", () => !session.connected);
  traffic.add([2, 3, 4, 5, 6, 7, 8].map((number) => block(number)));
  coordinator.acknowledge = true;
  await until("all is sent", () => coordinator.trafficBatches.length >= 3);
  const [first, second, third] = coordinator.trafficBatches;
  expect(second).toEqual(first);
  expect(first).toMatchObject({ seq: 1, dropped: 0, series: [{ blocks: [{ startsAtMs: blockMs, outcomes: [7] }] }] });
  expect(third).toMatchObject({ seq: 2, dropped: 2, series: [{ quiet: [{ startsAtMs: 4 * blockMs, blocks: 5 }] }] });
});

test("a coordinator that takes no traffic is sent none, and everything else goes on", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.trafficBatchMax = 0;
  const { session, traffic, results } = startWith(coordinator);
  await until("connected", () => session.connected);
  traffic.add([block(1, 7)]);
  const outcome = { kind: "good", status: 200 } as const;
  const asked = {
    host: "web-1",
    at: instant(1),
    site: "shop",
    binding: "b",
    hop: "slot",
    probe: "GET /",
    tookMs: 1,
  } as const;
  results.add([{ ...asked, outcome }]);
  session.changed();
  await until("results are acknowledged", () => coordinator.batches.length === 1 && !results.awaitsAck);
  expect(coordinator.trafficBatches).toEqual([]);
});

test("an agent learns the coordinator's time from its words, and asks more often when it is told to", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.aheadMs = 3_600_000;
  const { session, coordinatorTime, rechecks } = startWith(coordinator);
  await until("connected", () => session.connected);
  expect(Math.abs(coordinatorTime.now() - Date.now() - 3_600_000)).toBeLessThan(5000);
  coordinator.recheck({ site: "shop", everyMs: 2000, untilMs: 77 });
  await until("told", () => rechecks.length === 1);
  expect(rechecks).toEqual([{ site: "shop", everyMs: 2000, until: 77 }]);
});

test("a coordinator that does not know the unit of keepers is not told of it", async () => {
  await using coordinator = await startFakeCoordinator();
  coordinator.keepers = false;
  const units = ["agent", "keeper"].map((unit) => ({ unit: unit as UnitKey, installed: [], reasons: [] }));
  const { session } = startWith(coordinator, { units });
  await until("told", () => coordinator.observation !== undefined && session.connected);
  expect(coordinator.observation?.units.map(({ unit }) => unit)).toEqual(["agent"]);
});
