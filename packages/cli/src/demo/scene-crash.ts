import { setTimeout as delay } from "node:timers/promises";
import { stepsOf } from "../screen/rollout-words.ts";
import { exitIs, noneFailed, phaseIs, switchTimes, unless } from "./findings.ts";
import type { Scene } from "./scene.ts";
import { afterglowMs, runsEverywhere } from "./scene-release.ts";

/** Agent and coordinator die in the middle of a rollout and come back; users notice nothing and the rollout goes on. */
export const crashScene: Scene = {
  name: "agent and coordinator killed in the middle of a rollout",
  expected: "the rollout goes on where it was and completes, 0 requests failed",
  deadlineMs: 90_000,
  async play(stage) {
    await stage.push("3");
    const load = stage.startLoad();
    const deploying = stage.sluice("deploy", "shop", "3");
    const victim = await untilUnderWay(stage);
    stage.tell(`kill -9: the agent of ${victim} and the coordinator, while release 3 is under way there`);
    await Promise.all([stage.fleet.kill(victim), stage.fleet.kill("coordinator")]);
    await delay(afterglowMs);
    stage.tell("both are started again");
    await Promise.all([stage.fleet.restart("coordinator"), stage.fleet.restart(victim)]);
    await stage.until("the coordinator's return", async () => (await stage.status()).hosts.length > 0);
    const { exit } = await deploying;
    await delay(afterglowMs);
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    return {
      seen: `rollout ${rollout.phase} after both came back, ${report.failed} of ${report.sent} requests failed`,
      wrong: [
        ...exitIs(exit, 0),
        ...phaseIs(rollout, "completed"),
        ...unless(rollout.title.includes("3"), `the newest rollout is '${rollout.title}'`),
        ...noneFailed(report),
        ...(await runsEverywhere(stage, "3")),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

/** The host that is being activated or is live on trial, as soon as there is one. */
async function untilUnderWay(stage: Parameters<Scene["play"]>[0]): Promise<string> {
  let host: string | undefined;
  await stage.until("the first step of the rollout", async () => {
    const rollout = await stage.newestRollout();
    const isOurs = rollout.title.includes("3") && rollout.endedAtMs === undefined;
    const step = stepsOf(rollout).find(({ step }) => step.state === "activating" || step.state === "provisional");
    host = isOurs ? step?.step.host : undefined;
    return host !== undefined;
  });
  return host ?? "";
}
