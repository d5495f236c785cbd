import { setTimeout as delay } from "node:timers/promises";
import type { DemoStage } from "./demo-stage.ts";
import { exitIs, noneFailed, phaseIs, switchTimes, unless } from "./findings.ts";
import type { Scene } from "./scene.ts";
import { formatSwitches } from "./words.ts";

/** The load goes on for a moment after the last step, so that what drains is seen as well. */
export const afterglowMs = 1000;

/** A release through both environments, wave by wave, while users use the site. */
export const releaseScene: Scene = {
  name: "a release under load",
  expected: "release 2 is live and proven on every host, 0 requests failed",
  deadlineMs: 90_000,
  async play(stage) {
    await stage.push("1");
    const first = await stage.sluice("deploy", "shop", "1");
    if (first.exit !== 0) throw new Error(`release 1 could not be deployed: exit code ${first.exit}`);
    await stage.push("2");
    const load = stage.startLoad();
    const { exit } = await stage.sluice("deploy", "shop", "2");
    await delay(afterglowMs);
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    const switchMs = switchTimes(rollout);
    return {
      seen: `rollout ${rollout.phase}, ${report.failed} of ${report.sent} requests failed; ${formatSwitches(switchMs)}`,
      wrong: [
        ...exitIs(exit, 0),
        ...phaseIs(rollout, "completed"),
        ...noneFailed(report),
        ...(await runsEverywhere(stage, "2")),
      ],
      load: report,
      switchMs,
    };
  },
};

/** Running and proven are what was deployed, on every host. */
export async function runsEverywhere(stage: DemoStage, version: string): Promise<readonly string[]> {
  const status = await stage.status();
  return stage.fleet.layout.hosts.flatMap(({ name }) => {
    const unit = status.hosts
      .find((host) => host.host === name)
      ?.units.find((candidate) => candidate.unit === "site:shop");
    return [
      ...unless(unit?.running === version, `${name} runs ${unit?.running ?? "nothing"} instead of ${version}`),
      ...unless(unit?.proven === version, `${unit?.proven ?? "nothing"} is proven on ${name} instead of ${version}`),
    ];
  });
}
