import { setTimeout as delay } from "node:timers/promises";
import type { UnitRelease } from "@sluice/core";
import { expect, onTestFinished, test } from "vitest";
import { ensureKeeperRunning, keeperSocketOf } from "./keeper/ensure-keeper-running.ts";
import { openKeeper } from "./keeper/keeper-client.ts";
import {
  ask,
  endHost,
  endProcesses,
  hostWithFirstRelease,
  openWorld,
  progressOf,
  until,
  untilProgress,
  type World,
} from "./testing/agent-world.ts";

/** 1.0.0 is proven, 2.0.0 is live on trial. */
async function hostOnTrial(world: World): Promise<{ readonly one: UnitRelease; readonly agent: AsyncDisposable }> {
  const { one, agent } = await hostWithFirstRelease(world);
  const two = await world.release("2.0.0");
  world.order([one, world.proxy, world.front], [two]);
  await untilProgress(world, "r2", "provisional");
  expect(await ask(world.port, "shop.internal")).toBe("200 2.0.0");
  return { one, agent };
}

/** Asks on both ways without a pause until the test ends, and keeps what was answered. */
function askAllTheTime(world: World): string[] {
  const answers: string[] = [];
  const stop = new AbortController();
  const ways = [() => ask(world.port, "shop.internal"), () => ask(world.frontPort, "shop.example.com:8080")];
  const users = ways.map(async (way) => {
    while (!stop.signal.aborted) {
      answers.push(await way().catch((error) => `failed ${error.code}`));
      await delay(2);
    }
  });
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(users);
  });
  return answers;
}

const served = (answers: readonly string[]) => answers.filter((answer) => answer.startsWith("200"));

test("after a power cut nothing runs until the agent has looked, and then the proven release, without any coordinator", async () => {
  const world = await openWorld();
  const { agent } = await hostOnTrial(world);
  await agent[Symbol.asyncDispose]();
  await world.coordinator[Symbol.asyncDispose]();
  await endHost(world.dataDir);
  const answers = askAllTheTime(world);

  const keeper = await ensureKeeperRunning({ dir: world.dataDir });
  expect(keeper).toMatchObject({ sockets: [], children: [] });
  expect(keeper.remarks.join()).toContain("slot-shop-green");
  await until("a while of asking", () => answers.length > 100);
  expect(served(answers)).toEqual([]);
  expect(new Set(answers.slice(-50))).toEqual(new Set(["failed ECONNREFUSED"]));

  await world.start();
  await until(
    "both ways serve",
    async () => served(answers).length > 50 && (await servedOnBoth(world)) === "1.0.0 1.0.0",
  );
  expect(new Set(served(answers))).toEqual(new Set(["200 1.0.0"]));
});

test("when a keeper and all it looked after are killed under a running agent, the proven release comes back and the trial is over", async () => {
  const world = await openWorld();
  await hostOnTrial(world);
  await endHost(world.dataDir);
  const answers = askAllTheTime(world);
  await until("both ways serve", async () => (await servedOnBoth(world)) === "1.0.0 1.0.0");
  await untilProgress(world, "r2", "failed");
  expect(progressOf(world, "r2")).toMatchObject({ failure: "interrupted" });
  expect(new Set(served(answers))).toEqual(new Set(["200 1.0.0"]));
});

test.each([
  { what: "proxies", isHit: (id: string) => !id.startsWith("slot-") },
  { what: "slots", isHit: (id: string) => id.startsWith("slot-") },
])(
  "when a keeper dies with all $what, the rest lives on, they are started again, and the trial goes on",
  async ({ isHit }) => {
    const world = await openWorld();
    await hostOnTrial(world);
    await endProcesses(world.dataDir, isHit);
    await until("both ways serve", async () => (await servedOnBoth(world)) === "2.0.0 2.0.0");
    const { children } = await openKeeper(keeperSocketOf(world.dataDir)).status();
    expect(children.filter(({ id }) => !isHit(id)).every(({ adopted }) => adopted)).toBe(true);
    await until("the trial is looked after", () => progressOf(world, "r2")?.kind === "provisional");
  },
);

const servedOnBoth = async (world: World): Promise<string> => {
  const answers = [
    await ask(world.port, "shop.internal").catch(String),
    await ask(world.frontPort, "shop.example.com:8080").catch(String),
  ];
  return answers.map((answer) => answer.replace("200 ", "")).join(" ");
};
