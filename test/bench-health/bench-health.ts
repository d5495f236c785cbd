import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Option } from "commander";
import { countFrom1, script, wholeNumber } from "../house/options.ts";
import { studies } from "./studies.ts";
import type { Study, StudyOptions, StudyResult } from "./study.ts";
import { tableText } from "./table-text.ts";

/**
 * Plays the rule of health by chance: `npm run bench:health -- --quick`, or one table with more repetitions:
 * `--only time-to-halt --runs 1000`. Writes `health-report.json`; ends with 1 when a promise of the rule is not kept.
 */
const names = studies.map(({ name }) => name);
const wanted = script("bench:health", "plays the rule of health by chance, and judges what it promises")
  .option("--runs <count>", "how often everything is played; 400, or 40 with --quick", countFrom1)
  .option("--seed <number>", "another seed, another chance", wholeNumber, 1)
  .addOption(new Option("--only <studies...>", "these studies only").choices(names))
  .option("--quick", "forty runs, whose figures say little", false)
  .addHelpText("after", "\nExit codes: 0 every bar kept · 1 one is missed · 2 wrong usage")
  .parse()
  .opts<{ runs?: number; seed: number; only?: readonly string[]; quick: boolean }>();

/** Runs count up from their seed, so that neighbouring seeds would play nearly the same runs. */
const seedsApart = 10_000_019;

const options: StudyOptions = {
  runs: wanted.runs ?? (wanted.quick ? 40 : 400),
  seed: wanted.seed * seedsApart,
};
const chosen = studies.filter(({ name }) => wanted.only?.includes(name) ?? true);

const began = performance.now();
const results = await runAll(chosen);
const broken = results.flatMap(({ bars }) => bars.filter(({ kept }) => !kept));
await writeFile("health-report.json", `${JSON.stringify({ ...options, studies: results }, undefined, 2)}\n`);
console.log(
  `\n${results.flatMap(({ bars }) => bars).length - broken.length} bars kept, ${broken.length} missed, ${((performance.now() - began) / 1000).toFixed(0)} s, ${options.runs} runs, seed ${wanted.seed}; see health-report.json`,
);
for (const { promise, measured } of broken) console.log(`missed: ${promise}: ${measured}`);
process.exitCode = broken.length === 0 ? 0 : 1;

/** As many at once as there are processors. */
async function runAll(all: readonly Study[]) {
  const waiting = [...all];
  const done = new Map<string, StudyResult>();
  const work = async (): Promise<void> => {
    for (let study = waiting.shift(); study !== undefined; study = waiting.shift()) {
      const result = await runInWorker(study);
      done.set(study.name, result);
      console.log(`\n## ${study.name}: ${study.title}\n\n${tableText(result.columns, result.rows)}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return all.map(({ name, title }) => ({ name, title, ...(done.get(name) as StudyResult) }));
}

async function runInWorker({ name }: Study): Promise<StudyResult> {
  const worker = new Worker(new URL("./study-worker.ts", import.meta.url), { workerData: { name, options } });
  const [result] = await once(worker, "message");
  return result as StudyResult;
}
