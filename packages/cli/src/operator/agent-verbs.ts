import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { renderTable } from "../screen/render-table.ts";
import { say, sayJson, type World } from "../world.ts";
import type { CoordinatorOptions } from "./common-options.ts";
import { packRelease } from "./pack-release.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

export interface AgentPushOptions extends CoordinatorOptions {
  readonly entry: string;
}

/** `sluice agent push`: puts a version of the agent within reach; only a rollout makes hosts run it. */
export async function pushAgent(
  world: World,
  version: string,
  folder: string,
  options: AgentPushOptions,
): Promise<void> {
  const { entry } = options;
  const path = resolve(world.cwd, folder);
  const found = await stat(join(path, entry)).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new Problem("usage-invalid", `cannot push agent '${version}': there is no file '${entry}' in '${path}'`, {
      hint: "FOLDER is what Sluice is installed in; --entry names the file in it that Node is started with",
    });
  }
  const json = options.json === true;
  await runWithCoordinator(world, options, async (client) => {
    const { tarball, digest } = await packRelease(path);
    const bytes = tarball.length;
    const open = { site: "", version, digest, bytes, agentEntry: entry };
    const answer = await client.pushRelease(open, tarball);
    if (json) sayJson(world, { version, bytes, entry, ...answer });
    const next = `let hosts run it: sluice restart --agents --to ${version}, and their keepers: sluice restart --keepers --to ${version}`;
    say(
      world,
      json,
      answer.existed
        ? `agent ${version} was there already (${answer.digest})`
        : `agent ${version} pushed, ${bytes} bytes (${answer.digest}); ${next}`,
    );
    return "done";
  });
}

/** `sluice agent list`. */
export async function listAgents(world: World, options: CoordinatorOptions): Promise<void> {
  await runWithCoordinator(world, options, async (client) => {
    const { releases } = await client.listReleases("", true);
    if (options.json === true) sayJson(world, { releases });
    else if (releases.length === 0)
      say(world, false, "no version of the agent; push one: sluice agent push VERSION FOLDER");
    else {
      const rows = releases.map(({ version, pushedAtMs, bytes, digest }) => [
        version,
        new Date(pushedAtMs).toISOString(),
        String(bytes),
        digest.slice(0, "sha256:".length + 12),
      ]);
      say(world, false, renderTable(["VERSION", "PUSHED", "BYTES", "DIGEST"], rows));
    }
    return "done";
  });
}
