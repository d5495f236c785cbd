import { type HealthFleet, type SteeredSite, startHealthFleet } from "../end-to-end/support/health-fleet.ts";
import { untilStep } from "../end-to-end/support/look-at.ts";
import { countFrom1, script } from "../house/options.ts";

/**
 * `npm run bench:detection`: how long a host name that fails completely, and for which nobody asks, stays unnoticed on a fleet of
 * real processes in real time, with the periods that coordinators hand out by default. From the activation until it is decided
 * to halt; see docs/benchmark.md.
 */

/** What design.md §11 asks for, by the number of other hosts. */
const bars = [
  { others: 3, withinS: 16 },
  { others: 1, withinS: 22 },
] as const;

const periods = { heartbeatMs: 2000, probeEveryMs: 10_000 };
const dayMs = 24 * 3_600_000;
const name = "quiet.internal";
const site: SteeredSite = {
  ...{ site: "quiet", engine: "node", usersPerSecond: { [name]: 0 }, usual: {} },
  health: "{ require: [probes] }",
};

const { runs } = script("bench:detection", "measures how long a dead host name that nobody asks for stays unnoticed")
  .option("--runs <count>", "releases that are tried on each fleet", countFrom1, 3)
  .addHelpText("after", "\nExit codes: 0 every bar kept · 1 one is missed · 2 wrong usage")
  .parse()
  .opts<{ runs: number }>();
process.exitCode = (await measureAll(runs)) ? 0 : 1;

async function measureAll(runs: number): Promise<boolean> {
  let isWithin = true;
  for (const { others, withinS } of bars) {
    const seconds = await measure(others, runs);
    const largest = Math.max(...seconds);
    isWithin &&= largest <= withinS;
    const words = seconds.map((one) => one.toFixed(1)).join(", ");
    console.log(`${others} other hosts: ${words} s; largest ${largest.toFixed(1)} s, bar ${withinS} s`);
  }
  return isWithin;
}

async function measure(others: number, runs: number): Promise<readonly number[]> {
  const hosts = Array.from({ length: others + 1 }, (_, index) => `h${index + 1}`);
  await using health = await startHealthFleet([site], { hosts, paceTimes: 1, periods, historyMs: dayMs });
  const seconds: number[] = [];
  for (let run = 0; run < runs; run += 1) seconds.push(await detectOnce(health));
  return seconds;
}

async function detectOnce(health: HealthFleet): Promise<number> {
  health.steer("quiet", {});
  const id = await health.fleet.beginDeploy("quiet", "2");
  await untilStep(health.fleet, id, "h1", "provisional");
  health.steer("quiet", { dead: [name] });
  const rollout = await health.fleet.untilEnded(id);
  const since = rollout.evidence.find(({ host }) => host === "h1")?.sinceMs;
  if (rollout.cause?.kind !== "regressed" || since === undefined) {
    throw new Error(`rollout ${id} is ${rollout.phase}: ${rollout.cause?.sentence ?? rollout.statusLine}`);
  }
  return (rollout.cause.atMs - since) / 1000;
}
