import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, seconds } from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { ask, hostWithFirstRelease, openWorld, progressOf, until, untilProgress } from "./testing/agent-world.ts";

test("the first release goes live on an empty host, on its own port and behind the front", {
  timeout: 60_000,
}, async () => {
  const world = await openWorld();
  await hostWithFirstRelease(world);
  expect(await ask(world.port, "shop.internal")).toBe("200 1.0.0");
  expect(await ask(world.frontPort, "shop.example.com:8080")).toBe("200 1.0.0");
  await until("probe results", () => world.coordinator.batches.flatMap(({ results }) => results).length > 4);
});

test("a second release under load fails no request", { timeout: 60_000 }, async () => {
  const world = await openWorld();
  const { one } = await hostWithFirstRelease(world);
  const two = await world.release("2.0.0");
  const answers: string[] = [];
  const stop = new AbortController();
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 });
  const users = Array.from({ length: 4 }, async (_, index) => {
    while (!stop.signal.aborted) {
      answers.push(await ask(world.port, "shop.internal", index % 2 === 0 ? keepAlive : undefined).catch(String));
    }
  });
  world.order([one, world.proxy, world.front], [two]);
  await untilProgress(world, "r2", "provisional");
  const provisional = progressOf(world, "r2");
  world.order([two, world.proxy, world.front], []);
  await until("the old slot is gone", () => {
    const site = world.coordinator.observation?.units.find(({ unit }) => unit === "site:shop");
    return site?.proven === two.digest && site.running?.digest === two.digest;
  });
  await delay(300);
  stop.abort();
  await Promise.all(users);
  keepAlive.destroy();
  expect(new Set(answers)).toEqual(new Set(["200 1.0.0", "200 2.0.0"]));
  expect(provisional?.kind === "provisional" ? provisional.switchMs : 0).toBeLessThan(2000);
});

test("a release that refuses a public name is refused before the switch", { timeout: 60_000 }, async () => {
  const world = await openWorld();
  const { one } = await hostWithFirstRelease(world);
  const bad = await world.release("bad");
  world.order([one, world.proxy, world.front], [bad]);
  await untilProgress(world, "r2", "failed");
  const progress = progressOf(world, "r2");
  expect(progress).toMatchObject({ touchedTraffic: false, failure: "probes-before" });
  expect(JSON.stringify(progress)).toContain("shop.example.com via slot answered 400");
  expect(await ask(world.port, "shop.internal")).toBe("200 1.0.0");
});

test("an activation that nobody confirms is undone by the host, coordinator or not", { timeout: 60_000 }, async () => {
  const world = await openWorld();
  const { one } = await hostWithFirstRelease(world);
  const two = await world.release("2.0.0");
  world.order([one, world.proxy, world.front], [two]);
  await untilProgress(world, "r2", "provisional");
  expect(await ask(world.port, "shop.internal")).toBe("200 2.0.0");
  const confirmBy = after(nodeClock.now(), seconds(2));
  const { generation } = world.order([one, world.proxy, world.front], [two], { id: "r2", confirmBy });
  await until("it is obeyed", () => world.coordinator.judgements.at(-1)?.generation === generation);
  await world.coordinator[Symbol.asyncDispose]();
  await until("back", async () => (await ask(world.port, "shop.internal")) === "200 1.0.0");
});

test("an agent that is killed in the middle of an activation goes on with it", { timeout: 60_000 }, async () => {
  const world = await openWorld();
  const { one, agent } = await hostWithFirstRelease(world);
  await agent[Symbol.asyncDispose]();
  const two = await world.release("2.0.0");
  const entry = join(world.dataDir, "..", "agent-main.ts");
  await writeFile(
    entry,
    `import { startAgent } from ${JSON.stringify(new URL("./start-agent.ts", import.meta.url).href)};
     import { createIds, nodeClock } from ${JSON.stringify(import.meta.resolve("@sluice/runtime"))};
     import { openLog } from ${JSON.stringify(import.meta.resolve("@sluice/runtime/logs/open-log"))};
     await startAgent({ host: "web-1", dataDir: ${JSON.stringify(world.dataDir)}, coordinator: ${JSON.stringify(world.coordinator.address)},
       clock: nodeClock, ids: createIds(nodeClock), log: openLog({ name: "agent", level: "silent" }) });`,
  );
  world.order([one, world.proxy, world.front], [two]);
  for (let life = 0; life < 3; life += 1) {
    const child = spawn(process.execPath, [entry], { stdio: "ignore" });
    await delay(700 + life * 300);
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await world.start();
  await untilProgress(world, "r2", "provisional");
  expect(await ask(world.frontPort, "shop.example.com:8080")).toBe("200 2.0.0");
});
