import { readFile, writeFile } from "node:fs/promises";
import { type DemoStage, differences } from "./demo-stage.ts";
import { exitIs, noneFailed, phaseIs, switchTimes, unless } from "./findings.ts";
import type { Scene } from "./scene.ts";
import { runsEverywhere } from "./scene-release.ts";

const version = "3.1";

/**
 * What cost five hours, from the other side: installed and not live is a state with a name and an age, no reboot ends it, and
 * an acceptance without public names proves nothing for production.
 */
export const waitingScene: Scene = {
  name: "acceptance has no public name, so production waits",
  expected:
    "kept back by representativeness, pending activation in production, nothing to change at a reboot; goes on when the file is mended, 0 requests failed",
  deadlineMs: 90_000,
  async play(stage) {
    const mended = await withoutPublicNameBelow(stage);
    stage.tell("fleet.yaml: acceptance loses the public name of the shop");
    const applied = await stage.sluice("apply", "--yes", "-f", "fleet.yaml");
    await stage.push(version);
    const before = await stage.snapshot();
    const load = stage.startLoad({ environment: "production" });
    const deployed = await stage.sluice("deploy", "shop", version, "--detach");
    await stage.until("a release that waits for production", async () => isKeptBack(await stage.newestRollout()));
    const hosts = stage.fleet.layout.environments.at(-1)?.hosts ?? [];
    const below = stage.fleet.layout.environments[0]?.hosts ?? [];
    await stage.until(`${version} proven in acceptance`, () => are(stage, below, "in-sync"));
    await stage.until(`${version} on the disks of ${hosts.join(" and ")}`, () =>
      are(stage, hosts, "pending-activation"),
    );
    const waiting = await stage.newestRollout();
    const status = await stage.sluice("status", "--site", "shop");
    const forecast = await stage.sluice("forecast");
    const untouched = differences(before, await stage.snapshot()).filter((one) =>
      hosts.some((host) => one.startsWith(host)),
    );
    await writeFile(stage.fleet.fleetFile, mended);
    stage.tell("fleet.yaml: acceptance has its public name back");
    const back = await stage.sluice("apply", "--yes", "-f", "fleet.yaml");
    const { exit } = await stage.sluice("rollout", "wait", waiting.id);
    const report = await load.stop();
    const rollout = await stage.rollout(waiting.id);
    return {
      seen: `waited: ${waiting.statusLine}; then rollout ${rollout.phase}`,
      wrong: [
        ...[applied, deployed, status, forecast, back].flatMap((one) => exitIs(one.exit, 0)),
        ...unless(/pending/.test(status.lines.join("\n")), "sluice status does not show what is pending"),
        ...untouched,
        ...exitIs(exit, 0),
        ...phaseIs(rollout, "completed"),
        ...(await runsEverywhere(stage, version)),
        ...noneFailed(report),
      ],
      load: report,
      switchMs: switchTimes(rollout),
    };
  },
};

type NewestRollout = Awaited<ReturnType<DemoStage["newestRollout"]>>;

const isKeptBack = (rollout: NewestRollout): boolean =>
  rollout.title.includes(version) &&
  rollout.phase === "waiting-for-gates" &&
  rollout.waitingOn.some(({ kind }) => kind === "representativeness");

/** Whether the shop stands like this on all of these hosts, by their own word. */
async function are(stage: DemoStage, names: readonly string[], condition: string): Promise<boolean> {
  const { hosts } = await stage.status();
  return names.every((name) =>
    hosts
      .find(({ host }) => host === name)
      ?.units.some((unit) => unit.unit === "site:shop" && unit.condition === condition && unit.desired === version),
  );
}

/** Takes the public binding of the lowest environment out of the fleet file, and answers with the file as it was. */
async function withoutPublicNameBelow({ fleet }: DemoStage): Promise<string> {
  const text = await readFile(fleet.fleetFile, "utf8");
  const name = fleet.layout.environments[0]?.publicName ?? "";
  const lines = text.split("\n");
  const kept = lines.filter((line) => !line.includes(`name: ${name},`));
  if (kept.length !== lines.length - 1) throw new Error("the fleet file has another shape");
  await writeFile(fleet.fleetFile, kept.join("\n"));
  return text;
}
