import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { playSeeds } from "./play-seeds.ts";
import { runHistory } from "./run-history.ts";

/**
 * Plays simulated histories: `node test/simulation/simulate.ts --seeds 1..20000`, or one of them with every event:
 * `--seed 17 --trace`. Ends with 1 at the first seed that breaks a promise and shows how it came to it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..1000" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    threads: { type: "string", default: `${availableParallelism()}` },
  },
});

const [first = 1, last = first] = (values.seed ?? values.seeds).split("..").map(Number);
const threads = Number(values.threads);
if (!Number.isInteger(first) || !Number.isInteger(last))
  refuse("cannot read the seeds; write --seed 17 or --seeds 1..5000");
if (!Number.isInteger(threads) || threads < 1) refuse(`cannot play on ${values.threads} threads; write a count from 1`);
if (values.trace) console.log(runHistory(first, { trace: true }).trace.join("\n"));

const began = performance.now();
const { histories, ended, reached, broken } = await playSeeds({ first, last }, Math.min(threads, last - first + 1));
const tookS = (performance.now() - began) / 1000;
if (broken !== undefined) {
  const { trace, options } = runHistory(broken.seed, { trace: true });
  if (!values.trace) console.log(trace.slice(-60).join("\n"));
  console.log(`\nseed ${broken.seed} breaks promise ${broken.promise}\n${JSON.stringify(options)}`);
  console.log(`replay: node test/simulation/simulate.ts --seed ${broken.seed} --trace`);
  process.exit(1);
}
console.log(
  `${histories} histories in ${tookS.toFixed(1)} s, every promise kept\nrollouts ended: ${JSON.stringify(ended)}\nactivations and hosts: ${JSON.stringify(reached)}`,
);

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}
