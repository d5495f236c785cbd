import { Problem } from "@sluice/core/problems/problem";
import { Command, CommanderError } from "commander";
import { type ExitName, exitCode, exitCodeTable, exitForCategory } from "./exit-codes.ts";
import { ExitSignal } from "./exit-signal.ts";
import { renderProblem } from "./screen/render-problem.ts";
import { version } from "./version.ts";
import type { World } from "./world.ts";

/** `sluice` without any verb yet. */
export function createBareProgram(world: World): Command {
  return new Command("sluice")
    .description("Safe change on plain servers: blue/green sites and canary waves, host by host.")
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      getOutHelpWidth: () => world.stdout.columns ?? 100,
      getErrHelpWidth: () => world.stderr.columns ?? 100,
    })
    .addHelpText(
      "after",
      `\n${exitCodeTable()}\n\nExamples:\n  $ sluice dev\n  $ sluice release push shop 2.4.0 ./dist\n  $ sluice deploy shop 2.4.0`,
    );
}

/** Runs one command line to its end and answers with the exit code. Never rejects: every failure is said in words. */
export async function runProgram(program: Command, args: readonly string[], world: World): Promise<number> {
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode("done");
  } catch (error) {
    return exitCode(concludeError(world, error));
  }
}

function concludeError(world: World, error: unknown): ExitName {
  if (error instanceof ExitSignal) return error.exit;
  if (error instanceof CommanderError) return error.exitCode === 0 ? "done" : "usage";
  world.stderr.write(`${renderProblem(world, error)}\n`);
  return error instanceof Problem ? exitForCategory(error.category) : "failed";
}
