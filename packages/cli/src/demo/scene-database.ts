import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { stepsOf } from "../screen/rollout-words.ts";
import { exitIs, phaseIs, switchTimes, unless } from "./findings.ts";
import { type Scene, usersOfProduction } from "./scene.ts";
import { runsEverywhere } from "./scene-release.ts";

/** Everything fails on every host at once: going back would help nobody, so nothing goes back. */
export const databaseScene: Scene = {
  name: "the database is down for everybody while a release is on trial",
  expected: "paused, nothing reverted, and it says why; goes on by itself when all is well, and completes",
  deadlineMs: 110_000,
  async play(stage) {
    const { dir, environments } = stage.fleet.layout;
    const production = environments.at(-1);
    const [first = ""] = production?.hosts ?? [];
    const database = join(dir, `${production?.internalName}-database-is-down`);
    await stage.push("7");
    const load = stage.startLoad(usersOfProduction);
    const deploying = stage.sluice("deploy", "shop", "7");
    await stage.until(`7 on trial on ${first}`, async () => isOnTrial(await stage.newestRollout(), first));
    const failedBefore = load.report().failed;
    stage.tell("the database goes down, for release 7 as for the one before");
    await writeFile(database, "");
    await stage.until("a pause", async () => (await stage.newestRollout()).phase !== "observing");
    const paused = await stage.newestRollout();
    const runsNew = (await runsOn(stage, first)) === "7";
    await stage.sluice("rollout", "show", paused.id);
    await rm(database);
    stage.tell("the database is back");
    const { exit } = await deploying;
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    const others = report.failures.filter(({ reason }) => reason !== "answered 503");
    return {
      seen: `paused: ${paused.statusLine}; then rollout ${rollout.phase}`,
      wrong: [
        ...phaseIs(paused, "paused"),
        ...unless(paused.statusLine.includes("nothing is reverted"), `it does not say so: ${paused.statusLine}`),
        ...unless(runsNew, `${first} went back to another release`),
        ...unless(failedBefore === 0, `${failedBefore} requests failed before the database was down`),
        ...unless(report.failed > 0, "no request failed, so the database was not down"),
        ...others.map(({ host, way, reason, count }) => `${count} requests failed on ${host} via ${way}: ${reason}`),
        ...exitIs(exit, 0),
        ...phaseIs(rollout, "completed"),
        ...(await runsEverywhere(stage, "7")),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

const isOnTrial = (rollout: Rollout, host: string): boolean =>
  rollout.phase === "observing" &&
  rollout.title.includes("7") &&
  stepsOf(rollout).some(({ step }) => step.host === host && step.state === "provisional");

async function runsOn(stage: Parameters<Scene["play"]>[0], name: string): Promise<string | undefined> {
  const { hosts } = await stage.status();
  return hosts.find(({ host }) => host === name)?.units.find(({ unit }) => unit === "site:shop")?.running;
}
