import { relative } from "node:path";
import { stampOf } from "@sluice/agent/keeper/process-stamp";
import { type EngineName, Problem } from "@sluice/core";
import { runCli } from "../program.ts";
import { say, type World } from "../world.ts";
import { endProcess } from "./child-processes.ts";
import { isDevRunning, readDevFile, removeDevFile, writeDevFile } from "./dev-file.ts";
import { devFolder } from "./dev-folder.ts";
import type { DevLayout } from "./dev-layout.ts";
import { endLeftovers } from "./leftovers.ts";
import { sampleFolder } from "./sample-releases.ts";
import { type DevFleet, startDevFleet } from "./start-dev-fleet.ts";

/** Runs a dev fleet with the first release live until Ctrl-C, then stops everything it started. */
export async function runDev(world: World, dirOption: string | undefined, engine: EngineName): Promise<void> {
  const running = readDevFile(world.cwd);
  if (running !== undefined && isDevRunning(running)) {
    throw new Problem(
      "usage-invalid",
      `cannot start a dev fleet: one of this folder runs already (pid ${running.pid})`,
      {
        hint: "stop it with Ctrl-C where it runs, or: sluice dev --stop",
      },
    );
  }
  const interrupted = Promise.withResolvers<void>();
  const stop = new AbortController();
  using _interrupt = world.onInterrupt(() => {
    stop.abort();
    interrupted.resolve();
  });
  const dir = devFolder(world.cwd, dirOption);
  await using fleet = await startDevFleet({
    dir,
    engine,
    pid: world.pid,
    log: (sentence) => say(world, false, sentence),
  });
  const { coordinator } = fleet.layout;
  const { pid } = world;
  await writeDevFile(world.cwd, { coordinator, dir, fleetFile: fleet.fleetFile, pid, stamp: stampOf(pid) ?? "" });
  try {
    if (await deployFirst(world, fleet, stop.signal)) {
      say(world, false, whatToTry(world.cwd, fleet.layout, fleet.fleetFile));
      await interrupted.promise;
    }
    say(world, false, "stopping everything");
  } finally {
    await removeDevFile(world.cwd);
  }
}

/** Ends the dev fleet of this working folder and whatever an earlier one left running. */
export async function stopDev(world: World, dirOption: string | undefined): Promise<void> {
  const running = readDevFile(world.cwd);
  if (running !== undefined && isDevRunning(running)) await endProcess(running, "SIGTERM");
  const dirs = new Set([devFolder(world.cwd, dirOption), ...(running === undefined ? [] : [running.dir])]);
  const ended: string[] = [];
  for (const dir of dirs) ended.push(...(await endLeftovers(dir)));
  await removeDevFile(world.cwd);
  const wasRunning = running !== undefined || ended.length > 0;
  say(world, false, wasRunning ? "the dev fleet is stopped" : "no dev fleet is running");
}

/** The commands an operator would type, so that they can be read and repeated. Answers false when it was interrupted. */
async function deployFirst(world: World, fleet: DevFleet, stop: AbortSignal): Promise<boolean> {
  const { dir, coordinator } = fleet.layout;
  const push = (site: string, version: string): readonly string[] => [
    "release",
    "push",
    site,
    version,
    sampleFolder(dir, { site, version }),
  ];
  const deploy = (site: string): readonly string[] => ["deploy", site, "1", "--timeout", "2m"];
  const first = ["shop", "blog"].flatMap((site) => [push(site, "1"), deploy(site)]);
  for (const args of [
    ...first,
    ...["2", "3", "4-dies", "5-half", "6-some", "7"].map((version) => push("shop", version)),
  ]) {
    if (stop.aborted) return false;
    await operate(world, coordinator, args);
  }
  return !stop.aborted;
}

async function operate(world: World, coordinator: string, args: readonly string[]): Promise<void> {
  say(world, false, `$ sluice ${args.join(" ")}`);
  await runCli([...args, "--coordinator", coordinator], world);
}

function whatToTry(cwd: string, layout: DevLayout, fleetFile: string): string {
  const file = relative(cwd, fleetFile).startsWith("..") ? fleetFile : relative(cwd, fleetFile);
  const curls = layout.environments.map(
    (environment) =>
      `  curl -s -H 'Host: ${environment.publicName}' ${environment.edge}/      # as a user, ${environment.name}`,
  );
  const [host] = layout.hosts;
  const own = layout.hosts.findLast((candidate) => candidate.environment === "production");
  return `
The fleet runs; the coordinator listens on ${layout.coordinator}. In another terminal, in this folder:

  npm run sluice -- status
  npm run sluice -- deploy shop 2                 # 3 and 7 are good as well, 4-dies, 5-half and 6-some are not
  npm run sluice -- probe shop
  sed -i.bak '/^  shop:/,/^  blog:/s/host: internal/host: preserve/' ${file} && npm run sluice -- apply -f ${file}     # the incident
  npm run sluice -- events --follow
${curls.join("\n")}
  curl -s -H 'Host: ${layout.blogName}' http://127.0.0.1:${own?.ownPort ?? 0}/      # a site on its own port
  npm run sluice -- local status --data ${host?.dir ?? ""}

Ctrl-C stops all of it.`;
}
