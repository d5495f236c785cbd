import { Command, InvalidArgumentError, Option } from "commander";
import type { Effort } from "./bench-world.ts";
import { type SuiteName, suiteNames } from "./measurements/measurements.ts";

export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly effort: Effort;
  /** Only what has one of these in its target or workload; everything when empty. */
  readonly match: readonly string[];
  /** Whether a missed bar ends the run with 1. */
  readonly bars: boolean;
  readonly reportFile: string;
}

interface Parsed {
  readonly only?: readonly SuiteName[];
  readonly match?: readonly string[];
  readonly rounds?: number;
  readonly seconds?: number;
  readonly sites?: readonly number[];
  readonly quick?: boolean;
  readonly bars: boolean;
  readonly report: string;
}

const fullEffort: Effort = {
  rounds: 5,
  seconds: 3,
  switches: 100,
  restarts: 50,
  engineChanges: 20,
  reloads: 50,
  timedChanges: 15,
  siteCounts: [1, 20, 100],
  idleSeconds: 60,
};

/** Enough to see that everything works; its numbers are for nobody. */
const quickEffort: Effort = {
  rounds: 1,
  seconds: 1,
  switches: 10,
  restarts: 4,
  engineChanges: 2,
  reloads: 4,
  timedChanges: 3,
  siteCounts: [1, 5],
  idleSeconds: 5,
};

const more = `
Suites:
  throughput   requests/s, p50, p99 and CPU time per request: both engines, own and shared port, beside HAProxy, nginx, Caddy
  failures     failed and slowest requests over switches, restarts, engine changes, and over the reloads of others
  changes      time of a switch, of a restart, of a reload
  footprint    memory per site, idle CPU time, start of a host after a power cut

Exit codes: 0 done · 1 a bar is missed or a suite failed · 2 wrong usage, or a program to measure with is not installed

Examples:
  $ npm run bench
  $ npm run bench -- --quick
  $ npm run bench -- --only throughput --rounds 5 --seconds 3
  $ npm run bench -- --only failures --match "node own port"
  $ npm run bench -- --only footprint --match haproxy --sites 20`;

/** Reads the arguments behind the name of the program. Throws commander's error when they are wrong, and after printing help. */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const program = new Command("npm run bench --")
    .description("measures Sluice beside HAProxy, nginx and Caddy on this machine, in one run, and judges its bars")
    .addOption(new Option("--only <suites...>", "these suites only").choices(suiteNames))
    .option("--match <texts...>", "of these, only measurements with one of the texts in their workload or target")
    .option("--rounds <count>", `rounds of every throughput measurement (default: ${fullEffort.rounds})`, positive)
    .option("--seconds <count>", `length of one throughput measurement (default: ${fullEffort.seconds})`, positive)
    .option("--sites <counts...>", "sites of the host in footprint, growing (default: 1 20 100)", growing)
    .option("--quick", "a smoke run of a few minutes: few changes, few sites, short measurements")
    .option("--no-bars", "judge the bars, but let none of them end the run with 1")
    .option("--report <file>", "where the numbers go", "bench-report.json")
    .addHelpText("after", more)
    .exitOverride();
  return optionsOf(program.parse(args, { from: "user" }).opts<Parsed>());
}

function optionsOf({
  only = suiteNames,
  match = [],
  rounds,
  seconds,
  sites,
  quick = false,
  bars,
  report,
}: Parsed): BenchOptions {
  const effort = {
    ...(quick ? quickEffort : fullEffort),
    ...(rounds === undefined ? {} : { rounds }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(sites === undefined ? {} : { siteCounts: sites }),
  };
  return { suites: suiteNames.filter((name) => only.includes(name)), match, effort, bars, reportFile: report };
}

/** Sites are only ever added. */
function growing(text: string, before: readonly number[] = []): readonly number[] {
  const count = positive(text);
  if (count > (before.at(-1) ?? 0)) return [...before, count];
  throw new InvalidArgumentError("wanted more sites than in the count before it");
}

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("wanted a whole number above 0");
}
