import { Problem } from "@sluice/core";
import { Command, CommanderError } from "commander";
import { addDemoVerb } from "./demo/demo-verb.ts";
import { addDevVerb } from "./dev/dev-verb.ts";
import { type ExitName, exitCode, exitCodeTable, exitForCategory } from "./exit-codes.ts";
import { ExitSignal } from "./exit-signal.ts";
import { addLocalVerbs } from "./local/local-verbs.ts";
import { addDeployVerbs } from "./operator/deploy-verbs.ts";
import { addFleetVerbs } from "./operator/fleet-verbs.ts";
import { addForecastVerb } from "./operator/forecast-verb.ts";
import { addHostVerbs } from "./operator/host-verbs.ts";
import { addLookVerbs } from "./operator/look-verbs.ts";
import { addOrderVerbs } from "./operator/order-verbs.ts";
import { addReleaseVerbs } from "./operator/release-verbs.ts";
import { addRolloutVerbs } from "./operator/rollout-verbs.ts";
import { addSchemaVerb } from "./operator/schema-verb.ts";
import { addTimelineVerb } from "./operator/timeline-verb.ts";
import { addRootVerbs } from "./roots/root-verbs.ts";
import { renderProblem } from "./screen/render-problem.ts";
import { version } from "./version.ts";
import type { World } from "./world.ts";

/** Runs one command line to its end and answers with the exit code. Never rejects: every failure is said in words. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  const program = createProgram(world);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode("done");
  } catch (error) {
    return exitCode(concludeError(world, error));
  }
}

/** The whole command line of `sluice`. */
export function createProgram(world: World): Command {
  const program = new Command("sluice");
  program
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
  program.commandsGroup("Try it:");
  addDevVerb(program, world);
  addDemoVerb(program, world);
  program.commandsGroup("Change:");
  addFleetVerbs(program, world);
  addReleaseVerbs(program, world);
  addDeployVerbs(program, world);
  addRolloutVerbs(program, world);
  addOrderVerbs(program, world);
  addHostVerbs(program, world);
  program.commandsGroup("Look:");
  addLookVerbs(program, world);
  addTimelineVerb(program, world);
  addForecastVerb(program, world);
  addSchemaVerb(program, world);
  program.commandsGroup("Run:");
  addRootVerbs(program, world);
  addLocalVerbs(program, world);
  return program;
}

function concludeError(world: World, error: unknown): ExitName {
  if (error instanceof ExitSignal) return error.exit;
  if (error instanceof CommanderError) return error.exitCode === 0 ? "done" : "usage";
  world.stderr.write(`${renderProblem(world, error)}\n`);
  return error instanceof Problem ? exitForCategory(error.category) : "failed";
}
