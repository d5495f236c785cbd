import { expect, test } from "vitest";
import { ensureKeeperRunning } from "./keeper/ensure-keeper-running.ts";
import {
  ask,
  endHost,
  hostWithFirstRelease,
  openWorld,
  progressOf,
  until,
  untilProgress,
  type World,
} from "./testing/agent-world.ts";
import { openExternalSite } from "./testing/external-site.ts";

const live = (world: World) => ask(world.port, "shop.internal").catch(String);

test("a site whose processes are somebody else's is switched from one address to the other, and back when nobody holds the grant", async () => {
  const world = await openWorld();
  const site = await openExternalSite();
  const { one } = await hostWithFirstRelease(world, site.release("1.0.0"));
  expect(await live(world)).toBe("200 blue");
  world.order([one, world.proxy, world.front], [site.release("2.0.0")]);
  await untilProgress(world, "r2", "provisional");
  expect(await live(world)).toBe("200 green");
  world.order([one, world.proxy, world.front], []);
  await until("it is back", async () => (await live(world)) === "200 blue");
});

test("a start command that fails ends the grant before the switch, in its own words", async () => {
  const world = await openWorld();
  const site = await openExternalSite();
  const { one } = await hostWithFirstRelease(world, site.release("1.0.0"));
  const start = ["node", "-e", "console.error('no licence'); process.exit(4)"] as const;
  world.order([one, world.proxy, world.front], [site.release("2.0.0", { start })]);
  await untilProgress(world, "r2", "failed");
  expect(progressOf(world, "r2")).toMatchObject({ touchedTraffic: false });
  expect(JSON.stringify(progressOf(world, "r2"))).toContain("no licence");
  expect(await live(world)).toBe("200 blue");
});

test("after a power cut the proven address serves again, although both answer and the other one was on trial", async () => {
  const world = await openWorld();
  const site = await openExternalSite();
  const { one, agent } = await hostWithFirstRelease(world, site.release("1.0.0"));
  world.order([one, world.proxy, world.front], [site.release("2.0.0")]);
  await untilProgress(world, "r2", "provisional");
  await agent[Symbol.asyncDispose]();
  await world.coordinator[Symbol.asyncDispose]();
  await endHost(world.dataDir);
  expect((await ensureKeeperRunning({ dir: world.dataDir })).children).toEqual([]);
  await world.start();
  const answers = new Set<string>();
  await until("it serves", async () => {
    const answer = await live(world);
    if (answer.startsWith("200")) answers.add(answer);
    return (
      answer.startsWith("200") && (await ask(world.frontPort, "shop.example.com:8080").catch(String)) === "200 blue"
    );
  });
  expect(answers).toEqual(new Set(["200 blue"]));
});
