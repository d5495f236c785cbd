import { type Drift, durationMs, minutes } from "@sluice/core";
import { createManualClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test } from "vitest";
import { type FoundDrift, lookEveryMs, startDriftWatch } from "./start-drift-watch.ts";

const edited = (over: Partial<FoundDrift> = {}): FoundDrift => ({
  kind: "configuration-edited",
  about: "proxy:shop",
  where: "/run/settings.json",
  expected: "sha256:1",
  found: "sha256:2",
  ...over,
});

function watch(policy: "heal" | "report" = "heal", isSpared = (_: FoundDrift) => false) {
  const clock = createManualClock();
  const world = { files: [] as FoundDrift[], isQuiet: true, healed: 0, news: 0 };
  const drift = startDriftWatch({
    look: async () => world.files,
    isQuiet: () => world.isQuiet,
    policy: (about) => (isSpared(about) ? "report" : policy),
    clock,
    log: openLog({ name: "agent", level: "silent" }),
    onChanged: () => {
      world.news += 1;
    },
  });
  onTestFinished(() => drift[Symbol.asyncDispose]());
  const heal = async (): Promise<void> => {
    world.healed += 1;
    world.files = [];
  };
  const look = () => clock.advance(lookEveryMs);
  const words = () =>
    drift.drifts.map(({ where, overSince }: Drift) => `${where}${overSince === undefined ? "" : " over"}`);
  return { clock, world, drift, heal, look, words };
}

test("a file that differs in two looks is drift, is put back, and is told of until ten minutes after", async () => {
  const { clock, world, drift, heal, look, words } = watch();
  world.files = [edited({ heal })];
  await look();
  expect(drift.drifts).toEqual([]);
  await look();
  expect(words()).toEqual(["/run/settings.json over"]);
  expect(world).toMatchObject({ healed: 1, files: [] });
  expect(drift.drifts[0]?.since).toBe(clock.now());
  await clock.advance(minutes(9));
  expect(words()).toEqual(["/run/settings.json over"]);
  world.files = [edited({ where: "/other" })];
  await clock.advance(minutes(2));
  expect(words()).toEqual(["/other"]);
});

test("a file that was just being written is no drift, and neither is one that changes while something is under way", async () => {
  const { world, drift, look } = watch();
  world.files = [edited()];
  await look();
  world.files = [];
  await look();
  world.files = [edited()];
  await look();
  world.isQuiet = false;
  await look();
  world.isQuiet = true;
  await look();
  expect(drift.drifts).toEqual([]);
  expect(world.news).toBe(0);
});

test("where drift is only reported it is left as it is, with its age, until somebody puts it right", async () => {
  const { clock, world, drift, heal, look, words } = watch("report");
  world.files = [edited({ heal })];
  await look();
  await look();
  const since = clock.now();
  await clock.advance(minutes(5));
  expect(drift.drifts).toMatchObject([{ since, found: "sha256:2" }]);
  const told = drift.drifts;
  await look();
  expect(drift.drifts).toBe(told);
  expect(world.healed).toBe(0);
  world.files = [];
  await look();
  expect(words()).toEqual(["/run/settings.json over"]);
});

test("what is only reported does not keep anything else from being put back", async () => {
  const { world, drift, look, words } = watch("heal", ({ about }) => about === "proxy:blog");
  let healed = 0;
  const heal = async (): Promise<void> => {
    healed += 1;
  };
  world.files = [edited({ about: "proxy:blog", where: "/blog", heal }), edited({ where: "/shop", heal })];
  await look();
  await look();
  expect(words()).toEqual(["/blog", "/shop over"]);
  expect(healed).toBe(1);
  expect(drift.drifts[0]?.about).toBe("proxy:blog");
});

test("what can't be put back stays told and is tried again", async () => {
  const { world, look, words } = watch();
  let tries = 0;
  const heal = async (): Promise<void> => {
    tries += 1;
    throw new Error("read-only file system");
  };
  world.files = [edited({ heal })];
  for (let count = 0; count < 3; count += 1) await look();
  expect(words()).toEqual(["/run/settings.json"]);
  expect(tries).toBe(2);
});

test("what a look at the processes no longer finds is over, and comes back with a new age", async () => {
  const { clock, drift, words } = watch();
  const stopped = edited({ kind: "process-stopped", where: "blue" });
  drift.processes([stopped]);
  drift.processes([stopped]);
  expect(words()).toEqual(["blue"]);
  drift.processes([]);
  expect(words()).toEqual(["blue over"]);
  await clock.advance(durationMs(1000));
  drift.processes([stopped]);
  expect(words()).toEqual(["blue over", "blue"]);
});

test("what others found and put back is told as found and over, once", async () => {
  const { drift, world, words, look } = watch();
  drift.healed([edited({ where: "/a" })]);
  expect(words()).toEqual(["/a over"]);
  expect(world.news).toBe(1);
  world.files = [edited({ where: "/b" })];
  await look();
  await look();
  drift.healed([edited({ where: "/b" })]);
  expect(words()).toEqual(["/a over", "/b over"]);
});
