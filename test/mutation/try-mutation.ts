import { dirname } from "node:path";
import { execa } from "execa";
import type { MutatedTree } from "./mutated-tree.ts";
import type { Mutation } from "./mutation.ts";

/** Who noticed a mutation, and by which words. */
export type Trial =
  /** `seed` is that of the history that showed it; absent when the histories did not come to an end. */
  | { readonly noticedBy: "simulation"; readonly words: string; readonly seed?: number }
  | { readonly noticedBy: "tests"; readonly words: string }
  | { readonly noticedBy: "nobody" };

/** A mutated core may turn in circles; no sound one takes so long for its histories. */
const withinMs = 300_000;

/** Which histories are played with a mutation. */
export interface SeedsToPlay {
  readonly seeds: string;
  /** Showed the mutation before, and is played first: where histories have changed since, the others are. */
  readonly telltale: number | undefined;
}

/**
 * Plays the histories with the mutated core and, when none of them notices, runs the core's own tests: those beside the mutated
 * file first, since they mostly notice, and are few.
 */
export async function tryMutation(
  tree: MutatedTree,
  mutation: Mutation,
  { seeds, telltale }: SeedsToPlay,
): Promise<Trial> {
  await tree.put(mutation);
  if (mutation.notSimulated === undefined) {
    const told = telltale === undefined ? undefined : await playHistories(tree.root, `${telltale}..${telltale}`);
    const trial = told ?? (await playHistories(tree.root, seeds));
    if (trial !== undefined) return trial;
  }
  const beside = `packages/core/src/${dirname(mutation.file)}`;
  const words = (await runTests(tree.root, beside)) ?? (await runTests(tree.root, "packages/core"));
  return words === undefined ? { noticedBy: "nobody" } : { noticedBy: "tests", words };
}

async function playHistories(root: string, seeds: string): Promise<Trial | undefined> {
  const args = ["test/simulation/simulate.ts", "--threads", "1", "--no-shrink", "--seeds", seeds];
  const { exitCode, timedOut, stdout, stderr } = await run(root, "node", args);
  if (timedOut) return { noticedBy: "simulation", words: "does not come to an end" };
  if (exitCode === 0) return undefined;
  const [words, seed] = /seed (\d+) breaks promise .*/.exec(stdout) ?? [];
  if (words === undefined) return { noticedBy: "simulation", words: `ends with ${exitCode}: ${errorIn(stderr)}` };
  return { noticedBy: "simulation", words, seed: Number(seed) };
}

async function runTests(root: string, folder: string): Promise<string | undefined> {
  const args = [
    "node_modules/vitest/vitest.mjs",
    "run",
    folder,
    "--testTimeout",
    "300000",
    "--bail",
    "1",
    "--reporter",
    "dot",
  ];
  const { exitCode, timedOut, stdout, stderr } = await run(root, "node", args);
  if (timedOut) return "do not come to an end";
  if (exitCode === 0) return undefined;
  return /FAIL\s+(.*)/.exec(`${stderr}\n${stdout}`)?.[1] ?? `end with ${exitCode}: ${errorIn(stderr)}`;
}

const run = (root: string, command: string, args: readonly string[]) =>
  execa(command, args, { cwd: root, reject: false, timeout: withinMs, env: { NO_COLOR: "1" }, preferLocal: true });

const errorIn = (text: string): string => /^\w*Error.*/m.exec(text)?.[0] ?? text.trim().slice(-200);
