import { join } from "node:path";
import { countFrom1, script } from "../house/options.ts";
import { openMutatedTree } from "./mutated-tree.ts";
import type { Mutation } from "./mutation.ts";
import { allMutations } from "./mutations/all-mutations.ts";
import { readTelltaleSeeds, writeTelltaleSeeds } from "./telltale-seeds.ts";
import { type Trial, tryMutation } from "./try-mutation.ts";

/**
 * `npm run simulate:audit`: breaks the core in one small way after the other and says who notices. Ends with 1 when a mutation
 * survives that is not explained, or when one that a simulated history should notice is noticed by a test only.
 */
const program = script(
  "simulate:audit",
  "breaks the core in one small way after the other and says which faults nothing notices",
)
  .option("--seeds <first..last>", "histories played with each mutation", "1..2500")
  .option("--only <words>", "mutations whose name or file has these words")
  .option("--record", "keep the seeds that showed mutations: they are played first from then on")
  .option("--workers <count>", "copies of the project that are tried side by side", countFrom1, 2)
  .parse();
const {
  seeds,
  only = "",
  workers,
  record,
} = program.opts<{
  seeds: string;
  only?: string;
  workers: number;
  record?: true;
}>();

interface Tried {
  readonly mutation: Mutation;
  readonly trial: Trial;
}

const queue = allMutations.filter(({ name, file }) => name.includes(only) || file.includes(only));
if (queue.length === 0) program.error("error: --only has to be part of the name or file of a mutation");
const waiting = [...queue];
const telltale = await readTelltaleSeeds();
const tried: Tried[] = [];
const began = performance.now();
/** The file of seeds is written by one worker after the other. */
let recorded = Promise.resolve();

async function work(): Promise<void> {
  await using tree = await openMutatedTree(join(import.meta.dirname, "../.."));
  for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
    const trial = await tryMutation(tree, mutation, { seeds, telltale: telltale[mutation.name] });
    tried.push({ mutation, trial });
    if (trial.noticedBy === "simulation" && trial.seed !== undefined) telltale[mutation.name] = trial.seed;
    if (record) recorded = recorded.then(() => writeTelltaleSeeds(telltale));
    await recorded;
    console.log(`${String(tried.length).padStart(3)}/${queue.length}  ${verdictOn({ mutation, trial })}`);
  }
}

function verdictOn({ mutation: { name, file, notSimulated, equivalent }, trial }: Tried): string {
  const core = `a core that ${name} (${file})`;
  if (trial.noticedBy !== "nobody") {
    const why = trial.noticedBy === "tests" && notSimulated !== undefined ? `; not simulated: ${notSimulated}` : "";
    return `noticed by ${trial.noticedBy}: ${core}: ${trial.words}${why}`;
  }
  return equivalent === undefined ? `SURVIVES: ${core}` : `survives, and may: ${core}: ${equivalent}`;
}

const isUnexplained = ({ mutation: { notSimulated, equivalent }, trial }: Tried): boolean =>
  equivalent === undefined &&
  (trial.noticedBy === "nobody" || (trial.noticedBy === "tests" && notSimulated === undefined));

await Promise.all(Array.from({ length: workers }, work));
const unexplained = tried.filter(isUnexplained);
const count = (who: Trial["noticedBy"]): number => tried.filter(({ trial }) => trial.noticedBy === who).length;
console.log(
  `\n${tried.length} mutations in ${Math.round((performance.now() - began) / 1000)} s: ${count("simulation")} noticed by simulated histories, ${count("tests")} by tests of the core, ${count("nobody")} by nobody; ${unexplained.length} not explained`,
);
for (const one of unexplained) console.log(`  ${verdictOn(one)}`);
process.exitCode = unexplained.length > 0 ? 1 : 0;
