import { readFile, writeFile } from "node:fs/promises";
import { type DemoStage, differences } from "./demo-stage.ts";
import { exitIs, failureWords, phaseIs, switchTimes, tells, unless, untouchedHosts } from "./findings.ts";
import { type Scene, usersOfProduction } from "./scene.ts";

/** A quarter of an hour: of less, the past says too little for one name alone to halt. */
const blocksBefore = 90;

/** From here on what users are answered in production has to be known, besides the probes. Machines of demos are slow at will. */
const careful = "{ warmUp: 0s, minBake: 1m, ruleOut: 10%, require: [failed, probes], ignore: [slow, above-median] }";

/** Every sixth post under one name fails: no probe posts, and no check before the switch could know. */
export const someErrorsScene: Scene = {
  name: "a release in which 5 in 100 requests of one host name fail",
  expected: "found by comparison with before and with the other host, reverted; failures on the first host only",
  deadlineMs: 110_000,
  async play(stage) {
    const load = stage.startLoad(usersOfProduction);
    await judgeByUsers(stage);
    stage.tell("fleet.yaml: in production, what users are answered has to be known as well before a wave passes");
    const applied = await stage.sluice("apply", "--yes", "-f", "fleet.yaml");
    await stage.push("6-some");
    stage.tell(`users are there; with ${blocksBefore} blocks of ten seconds there is something to compare with`);
    const production = stage.fleet.layout.environments.at(-1);
    const [first = "", ...others] = production?.hosts ?? [];
    await stage.until("a history", async () => (await stage.blocksWithUsers([first, ...others])) >= blocksBefore);
    const before = await stage.snapshot();
    const { exit } = await stage.sluice("deploy", "shop", "6-some");
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    const sentence = rollout.cause?.sentence ?? "no reason was given";
    const elsewhere = report.failures.filter(({ host, reason }) => host !== first || reason !== "answered 500");
    return {
      seen: `rollout ${rollout.phase}: ${sentence}; failures: ${failureWords(report) || "none"}`,
      wrong: [
        ...exitIs(applied.exit, 0),
        ...exitIs(exit, 6),
        ...phaseIs(rollout, "reverted"),
        ...unless(tells(rollout, production?.publicName ?? ""), `the reason does not name the binding: ${sentence}`),
        ...unless(tells(rollout, "requests failed"), `the reason does not tell of failed requests: ${sentence}`),
        ...unless(report.failed > 0, "no request failed, so there was nothing to find"),
        ...unless(
          others.every((host) => untouchedHosts(rollout).includes(host)),
          `hosts beyond ${first} were touched`,
        ),
        ...elsewhere.map(({ host, way, reason, count }) => `${count} requests failed on ${host} via ${way}: ${reason}`),
        ...differences(before, await stage.snapshot()).filter((one) => others.some((host) => one.startsWith(host))),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

async function judgeByUsers({ fleet }: DemoStage): Promise<void> {
  const text = await readFile(fleet.fleetFile, "utf8");
  const changed = text.replace(/^( {2}- name: production\n)/m, `$1    health: ${careful}\n`);
  if (changed === text) throw new Error("the fleet file has another shape");
  await writeFile(fleet.fleetFile, changed);
}
