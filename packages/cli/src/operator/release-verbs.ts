import { resolve } from "node:path";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { renderTable } from "../screen/render-table.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, oneWayHelp, withCoordinator } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { packRelease } from "./pack-release.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface PushOptions extends CoordinatorOptions {
  readonly oneWay?: string;
}

interface Push {
  readonly site: string;
  readonly version: string;
  readonly folder: string;
}

/** `sluice release push|list`. Pushing puts a release within reach; only a rollout makes it live. */
export function addReleaseVerbs(program: Command, world: World): void {
  const release = program.command("release").description("push and list releases of sites");
  withCoordinator(release.command("push"))
    .description("pack a folder, name it by its content, upload it; nothing goes live")
    .argument("<site>", "a site of the fleet file")
    .argument("<version>", "a label for people; the same label can't be pushed with other content")
    .argument("<folder>", "what the site's command is started in")
    .option("--one-way <why>", oneWayHelp)
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice release push shop 2.4.0 ./dist\n  $ sluice release push shop 2.5.0 ./dist --one-way "orders are split into two tables"',
    )
    .action((site: string, version: string, folder: string, options: PushOptions) =>
      runWithCoordinator(world, options, (client) => push(world, client, { site, version, folder }, options)),
    );
  withCoordinator(release.command("list"))
    .description("the releases of a site, newest first")
    .argument("<site>", "a site of the fleet file")
    .addHelpText("after", "\nExample:\n  $ sluice release list shop --json")
    .action((site: string, options: CoordinatorOptions) =>
      runWithCoordinator(world, options, (client) => list(world, client, site, options)),
    );
}

async function push(world: World, client: CoordinatorClient, asked: Push, options: PushOptions): Promise<ExitName> {
  const { site, version, folder } = asked;
  const json = options.json === true;
  const packed = await packRelease(resolve(world.cwd, folder));
  const bytes = packed.tarball.length;
  const answer = await client.pushRelease(
    { site, version, digest: packed.digest, bytes, oneWay: options.oneWay },
    packed.tarball,
  );
  if (json) sayJson(world, { site, version, bytes, ...answer });
  say(
    world,
    json,
    answer.existed
      ? `${site} ${version} was there already (${answer.digest})`
      : `${site} ${version} pushed, ${bytes} bytes (${answer.digest}); make it live: sluice deploy ${site} ${version}`,
  );
  return "done";
}

async function list(
  world: World,
  client: CoordinatorClient,
  site: string,
  options: CoordinatorOptions,
): Promise<ExitName> {
  const { releases } = await client.listReleases(site);
  if (options.json === true) sayJson(world, { releases });
  else if (releases.length === 0)
    say(world, false, `no release of ${site}; push one: sluice release push ${site} VERSION FOLDER`);
  else {
    const rows = releases.map((release) => [
      release.version,
      new Date(release.pushedAtMs).toISOString(),
      String(release.bytes),
      release.digest.slice(0, "sha256:".length + 12),
      release.oneWay === undefined ? "yes" : `no: ${release.oneWay}`,
    ]);
    say(world, false, renderTable(["VERSION", "PUSHED", "BYTES", "DIGEST", "REVERTIBLE"], rows));
  }
  return "done";
}
