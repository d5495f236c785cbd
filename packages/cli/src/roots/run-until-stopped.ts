import { Problem } from "@sluice/core";
import type { Running } from "@sluice/runtime";
import { type Log, openLog } from "@sluice/runtime/logs/open-log";
import { ExitSignal } from "../exit-signal.ts";
import type { World } from "../world.ts";

export interface RootOptions {
  /** Also the name in the log. */
  readonly name: string;
  readonly logFile: string | undefined;
  readonly start: (log: Log) => Promise<Running>;
}

/**
 * Runs a long-running program: until it is asked to end (then it is disposed, and the verb ends well) or ends by itself
 * (then the verb fails). Ends with 1 for whatever failed and 2 for what the operator has to change.
 */
export async function runUntilStopped(world: World, options: RootOptions): Promise<void> {
  const log = openLog({ name: options.name, destination: options.logFile ?? streamOf(world) });
  const asked = Promise.withResolvers<"asked">();
  using _interrupt = world.onInterrupt(() => asked.resolve("asked"));
  try {
    await using running = await options.start(log);
    log.info(`${options.name}.started`);
    const ended = await Promise.race([running.done.then(() => "ended" as const), asked.promise]);
    log.info({ why: ended === "asked" ? "it was asked to" : "its work ended" }, `${options.name}.stopping`);
  } catch (error) {
    log.error({ err: error }, `${options.name}.failed`);
    throw asExit(error);
  }
}

function streamOf(world: World): { write(text: string): void } {
  return { write: (text) => world.stderr.write(text) };
}

/** The log has the details already, so nothing is said a second time. */
function asExit(error: unknown): ExitSignal {
  return new ExitSignal(error instanceof Problem && error.category === "invalid" ? "usage" : "failed");
}
