import { CommanderError } from "commander";
import { judgeBars } from "./bars.ts";
import { type BenchOptions, readBenchOptions } from "./bench-options.ts";
import { writeBenchReport } from "./bench-report.ts";
import { type BenchWorld, openBenchFolder } from "./bench-world.ts";
import { Measurements, type SuiteName } from "./measurements/measurements.ts";
import { barTable, suiteTable } from "./screen/suite-tables.ts";
import { runChanges } from "./suites/changes.ts";
import { runFailures } from "./suites/failures.ts";
import { runFootprint } from "./suites/footprint.ts";
import { runThroughput } from "./suites/throughput.ts";
import { findTools, type Tools, versionsOf } from "./tools/required-tools.ts";

/** `npm run bench`: measures Sluice beside others on this machine and judges its bars. See docs/benchmark.md. */

const suites: Readonly<Record<SuiteName, (world: BenchWorld) => Promise<void>>> = {
  throughput: runThroughput,
  failures: runFailures,
  changes: runChanges,
  footprint: runFootprint,
};

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const found = findTools(process.env.PATH ?? "");
  try {
    const options = readBenchOptions(args);
    if (found.kind === "complete") return await run(options, found.tools);
    console.error(found.sentence);
    return 2;
  } catch (error) {
    // Commander has said what is wrong, or printed its help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

async function run(wanted: BenchOptions, tools: Tools): Promise<number> {
  const startedAt = new Date();
  await using folder = await openBenchFolder();
  endOnSignal(folder);
  const measurements = new Measurements();
  const world: BenchWorld = {
    ...{ dir: folder.dir, tools, effort: wanted.effort, measurements },
    wants: (target, workload) =>
      wanted.match.length === 0 || wanted.match.some((text) => target.includes(text) || workload.includes(text)),
    say: (sentence) => console.error(`${new Date().toISOString().slice(11, 19)} ${sentence}`),
    print: (text) => console.log(`${text}\n`),
  };
  const brokenOff = await runSuites(world, wanted.suites);
  const bars = judgeBars(measurements);
  world.print(`bars\n${barTable(bars)}`);
  const versions = await versionsOf(tools);
  await writeBenchReport(wanted.reportFile, { startedAt, options: wanted, versions, measurements, bars, brokenOff });
  world.print(`every number is in ${wanted.reportFile}`);
  const isMissed = bars.some(({ kind }) => kind === "missed");
  return Object.keys(brokenOff).length > 0 || (wanted.bars && isMissed) ? 1 : 0;
}

/** One suite that breaks off does not take the others with it. Answers with the reasons. */
async function runSuites(world: BenchWorld, names: readonly SuiteName[]): Promise<Readonly<Record<string, string>>> {
  const brokenOff: Record<string, string> = {};
  for (const name of names) {
    try {
      await suites[name](world);
    } catch (error) {
      brokenOff[name] = String(error);
      console.error(`suite ${name} broke off`, error);
    }
    world.print(suiteTable(world.measurements, name));
  }
  return brokenOff;
}

/** Ctrl-C leaves nothing behind. */
function endOnSignal(folder: AsyncDisposable): void {
  for (const [signal, exitCode] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const]) {
    process.once(signal, async () => {
      await folder[Symbol.asyncDispose]();
      process.exit(exitCode);
    });
  }
}
