import { setTimeout as delay } from "node:timers/promises";
import { differences } from "./demo-stage.ts";
import { exitIs, noneFailed, phaseIs, unless } from "./findings.ts";
import { paceTimes, type Scene, usersOfProduction } from "./scene.ts";
import { afterglowMs } from "./scene-release.ts";

/** A release that dies when it is started, and one that is ready but fails under one of its names. */
export const badReleasesScene: Scene = {
  name: "two bad releases",
  expected: "both refused before the switch; the live slots are untouched, 0 requests failed",
  deadlineMs: 90_000,
  async play(stage) {
    const before = await stage.snapshot();
    stage.tell(
      `coordinator and agents start again with a clock ${paceTimes} times as fast; their times are told by it`,
    );
    await stage.fleet.quicken(paceTimes);
    await stage.push("4-dies");
    await stage.push("5-half");
    // As many as in the next scene, which compares with them.
    const load = stage.startLoad(usersOfProduction);
    const wrong: string[] = [];
    const reasons: string[] = [];
    for (const version of ["4-dies", "5-half"]) {
      const { exit } = await stage.sluice("deploy", "shop", version);
      const rollout = await stage.newestRollout();
      reasons.push(`${version}: ${rollout.cause?.sentence ?? "no reason was given"}`);
      wrong.push(
        ...exitIs(exit, 6),
        ...phaseIs(rollout, "reverted"),
        ...unless(rollout.title.includes(version), `the newest rollout is '${rollout.title}'`),
        ...unless(rollout.cause !== undefined, `no reason was given for ${version}`),
      );
    }
    await delay(afterglowMs);
    const report = await load.stop();
    return {
      seen: reasons.join("; "),
      wrong: [...wrong, ...noneFailed(report), ...differences(before, await stage.snapshot())],
      load: report,
      switchMs: {},
    };
  },
};
