import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { EngineName } from "@sluice/core";
import { describeProblem } from "@sluice/core/problems/describe-problem";
import { shortTmpdir } from "../dev/dev-folder.ts";
import { endAbandoned } from "../dev/leftovers.ts";
import { type DevFleet, type DevFleetOptions, startDevFleet } from "../dev/start-dev-fleet.ts";
import { openCoordinatorClient } from "../operator/coordinator-client.ts";
import { renderTable } from "../screen/render-table.ts";
import { say, type World } from "../world.ts";
import { createStage } from "./demo-stage.ts";
import type { Scene, SceneResult } from "./scene.ts";
import { badReleasesScene } from "./scene-bad-releases.ts";
import { crashScene } from "./scene-crash.ts";
import { databaseScene } from "./scene-database.ts";
import { incidentScene, overriddenScene } from "./scene-incident.ts";
import { releaseScene } from "./scene-release.ts";
import { someErrorsScene } from "./scene-some-errors.ts";
import { waitingScene } from "./scene-waiting.ts";

export interface DemoOptions {
  readonly engine: EngineName;
  readonly dir: string | undefined;
  readonly keep: boolean;
  /** Every deadline is so many times as long: a machine that has other things to do takes longer. */
  readonly patience: number;
}

const scenes: readonly Scene[] = [
  releaseScene,
  crashScene,
  incidentScene,
  overriddenScene,
  waitingScene,
  badReleasesScene,
  someErrorsScene,
  databaseScene,
];

/** Everything, starting and stopping included, ends within three minutes where nobody asks for more patience. */
const demoMs = 165_000;

/** Long enough to be seen, short enough for eight scenes. */
const soak = "1s";

const reportFile = "demo-report.json";

/** Plays all scenes on a fleet of its own and writes demo-report.json. Answers whether every scene ended as it must. */
export async function runDemo(world: World, options: DemoOptions): Promise<boolean> {
  const startedMs = world.now();
  const interrupted = new AbortController();
  using _interrupt = world.onInterrupt(() => interrupted.abort());
  for (const name of await endAbandoned(join(shortTmpdir(), "sluice-demo-")))
    say(world, false, `stopped what an earlier demo left running: ${name}`);
  const dir =
    options.dir === undefined ? await mkdtemp(join(shortTmpdir(), "sluice-demo-")) : resolve(world.cwd, options.dir);
  const stop = AbortSignal.any([interrupted.signal, AbortSignal.timeout(demoMs * options.patience)]);
  const results = await playOnFleet(world, { ...options, dir }, stop);
  const ok = results.length === scenes.length && results.every((result) => result.ok);
  const seconds = (world.now() - startedMs) / 1000;
  const report = { ok, engine: options.engine, seconds, scenes: results };
  await writeFile(join(world.cwd, reportFile), `${JSON.stringify(report, undefined, 2)}\n`);
  summarize(world, results, seconds);
  if (!ok || options.keep) say(world, false, `logs and data are in ${dir}`);
  else await rm(dir, { recursive: true, force: true });
  return ok;
}

async function playOnFleet(
  world: World,
  { dir, engine, patience }: Pick<DevFleetOptions, "dir"> & Pick<DemoOptions, "engine" | "patience">,
  stop: AbortSignal,
): Promise<readonly SceneResult[]> {
  await using fleet = await startDevFleet({
    dir,
    engine,
    soak,
    pid: world.pid,
    log: (sentence) => say(world, false, `${world.clock(world.now())}  ${sentence}`),
  });
  const results: SceneResult[] = [];
  for (const [index, scene] of scenes.entries()) {
    if (stop.aborted) break;
    say(
      world,
      false,
      `\n${world.colors.bold(`Scene ${index + 1} of ${scenes.length}: ${scene.name}`)}\n  has to be: ${scene.expected}`,
    );
    const result = await playScene(world, fleet, { ...scene, deadlineMs: scene.deadlineMs * patience }, stop);
    results.push(result);
    const mark = result.ok ? world.colors.green("✓ as it must") : world.colors.red("✗ not as it must");
    say(world, false, `${mark}: ${result.seen}`);
    for (const sentence of result.wrong) say(world, false, world.colors.red(`  ${sentence}`));
  }
  say(world, false, "\nstopping everything");
  return results;
}

async function playScene(world: World, fleet: DevFleet, scene: Scene, stop: AbortSignal): Promise<SceneResult> {
  const startedMs = world.now();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(scene.deadlineMs)]);
  using client = openCoordinatorClient(fleet.layout.coordinator, "demo");
  await using stage = createStage({ world, fleet, client, signal });
  const seconds = (): number => (world.now() - startedMs) / 1000;
  const about = { name: scene.name, expected: scene.expected };
  try {
    const { load, wrong, seen, switchMs } = await scene.play(stage);
    const late = signal.aborted ? [`it took longer than ${scene.deadlineMs / 1000} s`] : [];
    const { sent, failed, failures, slowestMs } = load;
    const faults = [...wrong, ...late];
    return {
      ...about,
      seen,
      ok: faults.length === 0,
      wrong: faults,
      sent,
      failed,
      failures,
      slowestMs,
      switchMs,
      seconds: seconds(),
    };
  } catch (error) {
    const wrong = [describeProblem(error)];
    return {
      ...about,
      seen: "it broke off",
      ok: false,
      wrong,
      sent: 0,
      failed: 0,
      failures: [],
      slowestMs: 0,
      switchMs: {},
      seconds: seconds(),
    };
  }
}

function summarize(world: World, results: readonly SceneResult[], seconds: number): void {
  const rows = results.map((result, index) => [
    String(index + 1),
    result.name,
    result.ok ? world.colors.green("as it must") : world.colors.red("NOT as it must"),
    String(result.sent),
    String(result.failed),
    `${result.seconds.toFixed(1)}s`,
  ]);
  say(world, false, `\n${renderTable(["", "SCENE", "ENDED", "SENT", "FAILED", "TOOK"], rows)}`);
  const unplayed = scenes.length - results.length;
  if (unplayed > 0) say(world, false, `${unplayed} scenes were not played: time was up, or it was interrupted`);
  say(world, false, `\n${seconds.toFixed(0)} s in all; ${reportFile} has the details`);
}
