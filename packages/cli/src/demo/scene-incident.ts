import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type DemoStage, differences } from "./demo-stage.ts";
import { exitIs, failureWords, noneFailed, phaseIs, switchTimes, tells, unless, untouchedHosts } from "./findings.ts";
import type { Scene } from "./scene.ts";
import { afterglowMs } from "./scene-release.ts";

/** The change that cost five hours: the proxies pass on a name to which the site is not bound. */
export const incidentScene: Scene = {
  name: "the incident: a proxy setting that breaks every public name",
  expected: "stopped before it meets a user request, and reverted: exit code 6 with the reason, 0 requests failed",
  deadlineMs: 70_000,
  async play(stage) {
    await setForwardHost(stage, "preserve");
    stage.tell("fleet.yaml: shop.forward.host internal → preserve");
    const before = await stage.snapshot();
    const load = stage.startLoad();
    const { exit, lines } = await stage.sluice("apply", "--yes", "-f", "fleet.yaml");
    await delay(afterglowMs);
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    const publicName = stage.fleet.layout.environments[0]?.publicName ?? "";
    const sentence = rollout.cause?.sentence ?? "no reason was given";
    return {
      seen: `rollout ${rollout.phase}: ${sentence}`,
      wrong: [
        ...exitIs(exit, 6),
        ...phaseIs(rollout, "reverted"),
        ...unless(tells(rollout, publicName), `the reason does not name ${publicName}: ${sentence}`),
        ...unless(tells(rollout, "400"), `the reason does not tell the answer 400: ${sentence}`),
        ...unless(
          lines.some((line) => line.includes(sentence)),
          "the command line did not tell the reason",
        ),
        ...noneFailed(report),
        ...differences(before, await stage.snapshot()),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

/** The same change with the check switched off: it goes live on one host, is seen there, and goes back by itself. */
export const overriddenScene: Scene = {
  name: "the same change with the check before switched off",
  expected: "halted by probes after the first host and reverted by itself; failures on that host only",
  deadlineMs: 90_000,
  async play(stage) {
    const before = await stage.snapshot();
    const load = stage.startLoad();
    const { exit } = await stage.sluice(
      "apply",
      "--yes",
      "-f",
      "fleet.yaml",
      "--skip-probes-before",
      "--reason",
      "to see what happens without it",
    );
    await delay(afterglowMs);
    const report = await load.stop();
    const rollout = await stage.newestRollout();
    await setForwardHost(stage, "internal");
    stage.tell("fleet.yaml is put back");
    const back = await stage.sluice("apply", "--yes", "-f", "fleet.yaml");
    const first = stage.fleet.layout.hosts[0]?.name ?? "";
    const probed = await stage.sluice("probe", "shop", "--host", first);
    const others = stage.fleet.layout.hosts.slice(1).map((host) => host.name);
    const elsewhere = report.failures.filter((failure) => failure.host !== first);
    const after = await stage.snapshot();
    const onOthers = (key: string): boolean => others.some((host) => key.startsWith(`${host} `));
    return {
      seen: `rollout ${rollout.phase}: ${rollout.cause?.sentence ?? "no reason was given"}; failures: ${failureWords(report) || "none"}`,
      wrong: [
        ...exitIs(exit, 6),
        ...phaseIs(rollout, "reverted"),
        ...unless(rollout.overrides.length === 1, "the override is not on record with the rollout"),
        ...unless(
          others.every((host) => untouchedHosts(rollout).includes(host)),
          `hosts beyond ${first} were touched`,
        ),
        ...elsewhere.map(({ host, way, reason, count }) => `${count} requests failed on ${host} via ${way}: ${reason}`),
        ...unless(report.sent > 0, "no request was sent, so nothing is proven"),
        ...differences(before, after).filter(onOthers),
        ...exitIs(back.exit, 0),
        ...exitIs(probed.exit, 0),
        ...(await runsSettingsOf(stage, before, first)),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

/** The proxy of the touched host has another pid afterwards, but the settings it had. */
async function runsSettingsOf(
  stage: DemoStage,
  before: ReadonlyMap<string, string>,
  host: string,
): Promise<readonly string[]> {
  const key = `${host} proxy:shop`;
  const digestOf = (words: string | undefined): string => words?.split(",")[0] ?? "nothing";
  const wanted = digestOf(before.get(key));
  const found = digestOf((await stage.snapshot()).get(key));
  return unless(found === wanted, `${key} runs ${found} instead of ${wanted}`);
}

async function setForwardHost(stage: DemoStage, host: "internal" | "preserve"): Promise<void> {
  const text = await readFile(stage.fleet.fleetFile, "utf8");
  const [shop, blog, ...rest] = text.split(/^(?= {2}blog:)/m);
  if (shop === undefined || blog === undefined || rest.length > 0) throw new Error("the fleet file has another shape");
  const changed = shop.replace(/forward: \{ host: \w+ \}/, `forward: { host: ${host} }`);
  await writeFile(stage.fleet.fleetFile, changed + blog);
}
