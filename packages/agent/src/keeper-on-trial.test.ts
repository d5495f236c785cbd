import type { GrantProgress, UnitRelease } from "@sluice/core";
import { programRelease } from "@sluice/core/programs/program-release";
import { sha256Text } from "@sluice/runtime";
import { expect, test } from "vitest";
import { keeperSocketOf } from "./keeper/ensure-keeper-running.ts";
import { openKeeper } from "./keeper/keeper-client.ts";
import { keeperPatience } from "./keeper/keeper-patience.ts";
import { stampOf } from "./keeper/process-stamp.ts";
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
import { pushedKeeper } from "./testing/pushed-keeper.ts";

const byHand = (version: string): UnitRelease => programRelease("keeper", version, undefined, sha256Text);

const keeperUnitOf = ({ coordinator }: World) => coordinator.observation?.units.find(({ unit }) => unit === "keeper");

const statusOf = ({ dataDir }: World) => openKeeper(keeperSocketOf(dataDir)).status();

/** What users are served by, and through what: the same for ever, whoever keeps it. */
async function kept(world: World) {
  const { children, sockets } = await statusOf(world);
  expect(sockets.filter(({ orphaned }) => orphaned)).toEqual([]);
  return {
    pids: children.map(({ id, pid }) => `${id} ${pid}`).sort(),
    sockets: sockets.map(({ name }) => name).sort(),
  };
}

async function untilRuns(world: World, { digest, version }: UnitRelease): Promise<void> {
  await until(`keeper ${version} runs and is proven`, () => {
    const { running, proven } = keeperUnitOf(world) ?? {};
    return running?.digest === digest && proven === digest;
  });
}

async function untilFailed(world: World, grant: string): Promise<Extract<GrantProgress, { kind: "failed" }>> {
  await untilProgress(world, grant, "failed");
  const progress = progressOf(world, grant);
  if (progress?.kind !== "failed") throw new Error("it has not failed");
  return progress;
}

/** Several trials in one host, which is dearer to bring up than they are; a busy machine takes its time. */
const longMs = 180_000;

test(
  "a keeper goes live by a grant only: one that fails, is killed or taken back on trial gives way to the proven one, which keeps every process and socket",
  async () => {
    const world = await openWorld();
    const { one } = await hostWithFirstRelease(world);
    const { build, pid } = await statusOf(world);
    const installed = byHand(build);
    expect(keeperUnitOf(world)?.running).toMatchObject({ version: build, digest: installed.digest });
    const site = [one, world.proxy, world.front];
    const proven = [...site, installed];
    world.order(proven, []);
    await untilRuns(world, installed);
    const before = await kept(world);

    world.order(proven, [await pushedKeeper(world, "2.0.1", 'throw new Error("libgone.so.1: cannot open");')], {
      id: "dies",
    });
    const dead = await untilFailed(world, "dies");
    expect(dead).toMatchObject({ failure: "start", touchedTraffic: false });
    expect(dead.reason).toContain("libgone.so.1: cannot open");
    expect((await statusOf(world)).pid).toBe(pid);

    world.order(proven, [await pushedKeeper(world, "2.0.2", 'version = "1.9.9";')], { id: "lies" });
    expect((await untilFailed(world, "lies")).reason).toContain("says that it is 1.9.9");
    await untilRuns(world, installed);

    const two = await pushedKeeper(world, "2.0.3");
    world.order(proven, [two], { id: "killed" });
    await untilProgress(world, "killed", "provisional");
    const onTrial = await statusOf(world);
    expect(onTrial).toMatchObject({ build: "2.0.3", program: { release: two.digest, trial: "killed" } });
    expect(await kept(world)).toEqual(before);
    process.kill(onTrial.pid, "SIGKILL");
    expect((await untilFailed(world, "killed")).reason).toContain("was killed");
    await untilRuns(world, installed);
    expect((await statusOf(world)).children.map(({ id, pid: child }) => `${id} ${child}`).sort()).toEqual(before.pids);
  },
  longMs,
);

test(
  "a keeper that is taken back hands back without a socket lost; one that is confirmed comes back whatever ends, and no other",
  async () => {
    const world = await openWorld();
    const { one, agent } = await hostWithFirstRelease(world);
    const installed = byHand((await statusOf(world)).build);
    const site = [one, world.proxy, world.front];
    world.order([...site, installed], []);
    await untilRuns(world, installed);
    const before = await kept(world);
    const two = await pushedKeeper(world, "2.0.0");
    world.order([...site, installed], [two], { id: "taken back" });
    await untilProgress(world, "taken back", "provisional");
    world.order([...site, installed], [], {}, [two]);
    await untilProgress(world, "taken back", "withdrawn");
    await untilRuns(world, installed);
    expect(await kept(world)).toEqual(before);

    world.order([...site, installed], [two], { id: "confirmed" });
    await untilProgress(world, "confirmed", "provisional");
    world.order([...site, two], []);
    await untilRuns(world, two);
    expect(await kept(world)).toEqual(before);
    const { pid } = await statusOf(world);
    process.kill(pid, "SIGKILL");
    await until("another keeper runs", async () => (await statusOf(world)).pid !== pid);
    await untilRuns(world, two);
    await agent[Symbol.asyncDispose]();
    await endHost(world.dataDir);
    world.coordinator.observation = undefined;
    await world.start();
    await untilRuns(world, two);
    expect((await statusOf(world)).program).toMatchObject({ release: two.digest });
  },
  longMs,
);

test(
  "a keeper on trial that hangs is put down; the proven one is started and adopts every process",
  async () => {
    const world = await openWorld();
    const patience = { ...keeperPatience };
    const { one } = await hostWithFirstRelease(world, undefined, { patience });
    const installed = byHand((await statusOf(world)).build);
    const site = [one, world.proxy, world.front];
    world.order([...site, installed], []);
    await untilRuns(world, installed);
    const before = await kept(world);
    world.order([...site, installed], [await pushedKeeper(world, "2.0.4")], { id: "hangs" });
    await untilProgress(world, "hangs", "provisional");
    const { pid } = await statusOf(world);
    // Only from here on: a busy machine makes a good keeper slow as well.
    patience.answerWithinMs = 200;
    process.kill(pid, "SIGSTOP");
    patience.silentMs = 0;
    await until("it is put down", () => stampOf(pid) === undefined);
    Object.assign(patience, keeperPatience);
    expect(await untilFailed(world, "hangs")).toMatchObject({
      failure: "interrupted",
      reason: "the keeper on trial no longer answers",
    });
    await untilRuns(world, installed);
    const { children } = await statusOf(world);
    expect(children.map(({ id, pid: child }) => `${id} ${child}`).sort()).toEqual(before.pids);
    expect(await ask(world.frontPort, "shop.example.com")).toBe("200 1.0.0");
  },
  longMs,
);
