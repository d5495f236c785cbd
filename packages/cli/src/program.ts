import type { Command } from "commander";
import { createBareProgram, runProgram } from "./bare-program.ts";
import { addDemoVerb } from "./demo/demo-verb.ts";
import { addDevVerb } from "./dev/dev-verb.ts";
import { addLocalVerbs } from "./local/local-verbs.ts";
import { addAlertVerbs } from "./operator/alert-verbs.ts";
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
import type { World } from "./world.ts";

/** Runs one command line of the whole `sluice`. See {@link runProgram}. */
export function runCli(args: readonly string[], world: World): Promise<number> {
  return runProgram(createProgram(world), args, world);
}

/** The whole command line of `sluice`. */
export function createProgram(world: World): Command {
  const program = createBareProgram(world);
  program.commandsGroup("Try it:");
  addDevVerb(program, world);
  addDemoVerb(program, world);
  program.commandsGroup("Change:");
  addFleetVerbs(program, world);
  addReleaseVerbs(program, world);
  addDeployVerbs(program, world);
  addRolloutVerbs(program, world);
  addOrderVerbs(program, world);
  addAlertVerbs(program, world);
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
