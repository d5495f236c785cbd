import { createBareProgram, runProgram } from "../bare-program.ts";
import type { World } from "../world.ts";
import { addRootVerbs } from "./root-verbs.ts";

/**
 * Runs a command line of `sluice agent` or `sluice coordinator` as `runCli` does, and loads no verb of operators for it: they
 * would stay in the memory of a program that runs for months.
 */
export function runRoot(args: readonly string[], world: World): Promise<number> {
  const program = createBareProgram(world);
  addRootVerbs(program, world);
  return runProgram(program, args, world);
}
