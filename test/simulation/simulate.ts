import { parseArgs } from "node:util";
import { runHistory } from "./run-history.ts";

/**
 * Plays simulated histories: `node test/simulation/simulate.ts --seeds 1..5000`, or one of them with every event:
 * `--seed 17 --trace`. Ends with 1 at the first seed that breaks a promise and shows how it came to it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..1000" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

const [first = 1, last = first] = (values.seed ?? values.seeds).split("..").map(Number);
if (!Number.isInteger(first) || !Number.isInteger(last)) {
  console.error("cannot read the seeds; write --seed 17 or --seeds 1..5000");
  process.exit(2);
}
const began = performance.now();
const ended: Record<string, number> = {};
const reached: Record<string, number> = {};
for (let seed = first; seed <= last; seed++) {
  const result = runHistory(seed, { trace: values.trace });
  if (values.trace) console.log(result.trace.join("\n"));
  if (result.broken !== undefined) {
    const { trace, options } = runHistory(seed, { trace: true });
    if (!values.trace) console.log(trace.slice(-60).join("\n"));
    console.log(`\nseed ${seed} breaks promise ${result.broken}\n${JSON.stringify(options)}`);
    console.log(`replay: node test/simulation/simulate.ts --seed ${seed} --trace`);
    process.exit(1);
  }
  addTo(ended, result.ended);
  addTo(reached, result.reached);
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

const tookS = (performance.now() - began) / 1000;
console.log(
  `${last - first + 1} histories in ${tookS.toFixed(1)} s, every promise kept\nrollouts ended: ${JSON.stringify(ended)}\nactivations and hosts: ${JSON.stringify(reached)}`,
);
