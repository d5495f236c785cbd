import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import { countFrom1, script, wholeNumber } from "../house/options.ts";
import { drawOptions, type HistoryOptions } from "./history-options.ts";
import { playSeeds, type SeedRange } from "./play-seeds.ts";
import { type HistoryResult, playHistory, runHistory } from "./run-history.ts";
import { shrinkHistory } from "./shrink-history.ts";

/** `npm run simulate`: plays simulated histories, and makes the first that breaks a promise as small as it gets. See docs/simulation.md. */

interface Wanted {
  readonly seeds: SeedRange;
  readonly seed?: number;
  readonly trace: boolean;
  readonly threads: number;
  readonly shrink: boolean;
  readonly replay?: string;
}

/** Options that a history may do without. */
const optional: ReadonlySet<string> = new Set([
  "gates",
  "programs",
  "reboots",
  "oneWay",
  "installsAhead",
  "fullDiskEveryMs",
  "skipLostMs",
  "soakMs",
  "without",
] satisfies (keyof HistoryOptions)[]);

const failureFile = "simulation-failure.json";

const program = script("simulate", "plays histories of a simulated fleet and checks the promises after every event")
  .addOption(
    new Option("--seeds <first..last>", "histories that are played")
      .argParser(seedRange)
      .default({ first: 1, last: 1000 }, "1..1000"),
  )
  .option("--seed <number>", "one history", wholeNumber)
  .option("--trace", "shows every event of it", false)
  .option("--threads <count>", "histories that are played side by side", countFrom1, availableParallelism())
  .option("--no-shrink", "shows a history that breaks a promise as it was found")
  .option("--replay <file>", `plays what was shrunk once more, from ${failureFile}`)
  .addHelpText(
    "after",
    "\nExit codes: 0 every promise kept · 1 one is broken · 2 wrong usage\n\nExamples:\n  $ npm run simulate -- --seeds 1..1000000\n  $ npm run simulate -- --seed 17 --trace",
  )
  .parse();

process.exitCode = await simulate(program.opts<Wanted>());

async function simulate({ seeds, seed, trace, threads, shrink, replay }: Wanted): Promise<number> {
  if (replay !== undefined) return replayed(playHistory(await readOptions(replay), { trace: true }));
  if (trace && seed !== undefined) return replayed(runHistory(seed, { trace: true }));
  const range = seed === undefined ? seeds : { first: seed, last: seed };
  const began = performance.now();
  const { histories, ended, reached, broken } = await playSeeds(range, Math.min(threads, range.last - range.first + 1));
  if (broken !== undefined) {
    await report(runHistory(broken.seed, { trace: true }), shrink);
    return 1;
  }
  const tookS = (performance.now() - began) / 1000;
  console.log(`${histories} histories in ${tookS.toFixed(1)} s, every promise kept`);
  console.log(`rollouts ended: ${JSON.stringify(ended)}\nactivations and hosts: ${JSON.stringify(reached)}`);
  return 0;
}

/** One history, event by event. */
function replayed({ trace, broken, ended }: HistoryResult): number {
  console.log(trace.join("\n"));
  console.log(
    broken === undefined ? `every promise kept; rollouts ended: ${JSON.stringify(ended)}` : `breaks ${broken}`,
  );
  return broken === undefined ? 0 : 1;
}

/** What broke, told by the smallest history that was found to break the same. */
async function report(found: HistoryResult, shrink: boolean): Promise<void> {
  console.log(`seed ${found.seed} breaks promise ${found.broken}`);
  console.log(`replay: npm run simulate -- --seed ${found.seed} --trace`);
  if (!shrink) return;
  const small = shrinkHistory(found, (options) => playHistory(options, { trace: true }));
  await writeFile(failureFile, `${JSON.stringify(small.options, undefined, 2)}\n`);
  const { acceptance, production, sites } = small.options;
  console.log(
    `\nthe smallest history that breaks it too, ${acceptance + production} hosts, ${sites} sites, ${small.trace.length} of ${found.trace.length} events:\n`,
  );
  console.log(small.trace.join("\n"));
  console.log(`\nbreaks promise ${small.broken}\nreplay: npm run simulate -- --replay ${failureFile}`);
}

async function readOptions(file: string): Promise<HistoryOptions> {
  try {
    const options = JSON.parse(await readFile(file, "utf8")) as Partial<HistoryOptions> | null;
    const missing = Object.keys(drawOptions(1)).filter((name) => !(name in (options ?? {})) && !optional.has(name));
    if (missing.length > 0) throw new Error(`no history: it lacks ${missing.join(", ")}`);
    return options as HistoryOptions;
  } catch (error) {
    return program.error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

function seedRange(text: string): SeedRange {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (first === undefined || Number(last) < Number(first))
    throw new InvalidArgumentError("wanted the first and the last seed, as 1..5000");
  return { first: Number(first), last: Number(last) };
}
