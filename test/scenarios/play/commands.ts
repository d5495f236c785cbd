import type { CommandLine } from "./command-line.ts";
import { deployCommands } from "./deploy-commands.ts";
import { faultCommands } from "./fault-commands.ts";
import { fleetCommands } from "./fleet-commands.ts";
import { lookCommands } from "./look-commands.ts";
import { orderCommands } from "./order-commands.ts";
import { rolloutCommands } from "./rollout-commands.ts";
import type { Stage } from "./stage.ts";

/** Plays one command; answers what is said to who gave it. What the log tells of it is shown after that. */
export type Command = (stage: Stage, line: CommandLine) => readonly string[];

export const commands: Readonly<Record<string, Command>> = {
  ...fleetCommands,
  ...deployCommands,
  ...rolloutCommands,
  ...orderCommands,
  ...faultCommands,
  ...lookCommands,
};
