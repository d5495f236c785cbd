import { setTimeout as delay } from "node:timers/promises";
import { type HostObservation, type Intent, instant } from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test } from "vitest";
import { ResultBuffer } from "../probing-schedule/result-buffer.ts";
import { loopbackCredentials } from "./agent-credentials.ts";
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

function startWith(coordinator: Pick<FakeCoordinator, "address">) {
  const results = new ResultBuffer();
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
    observation: () => observation,
    results,
    askSite: async () => [],
    reconnectAfterMs: () => 50,
    keepReconnectAfter: (ms) => windows.push(ms),
  });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return { session, results, obeyed, windows };
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
