import { flushCompileCache } from "node:module";
import { Problem } from "@sluice/core/problems/problem";
import type { Running } from "@sluice/runtime";
import { type Log, openLog } from "@sluice/runtime/logs/open-log";
import { ExitSignal } from "../exit-signal.ts";
import type { World } from "../world.ts";

export interface RootOptions<Program extends Running> {
  /** Also the name in the log. */
  readonly name: string;
  readonly logFile: string | undefined;
  readonly start: (log: Log) => Promise<Program>;
  /** Why it did nothing but refuse while it ran; the verb then ends as refused. */
  readonly refusalOf?: (running: Program) => string | undefined;
}

/**
 * Runs a long-running program: until it is asked to end (then it is disposed, and the verb ends well) or ends by itself
 * (then the verb fails). Ends with 7 where it refused to do its work, with 1 for whatever failed and 2 for what the operator has to change.
 */
export async function runUntilStopped<Program extends Running>(
  world: World,
  options: RootOptions<Program>,
): Promise<void> {
  const log = openLog({ name: options.name, destination: options.logFile ?? streamOf(world) });
  const asked = Promise.withResolvers<"asked">();
  using _interrupt = world.onInterrupt(() => asked.resolve("asked"));
  try {
    await using running = await options.start(log);
    log.info(`${options.name}.started`);
    // Now, since a program that is killed writes nothing: the next start is shorter and smaller.
    flushCompileCache();
    const ended = await Promise.race([running.done.then(() => "ended" as const), asked.promise]);
    log.info({ why: ended === "asked" ? "it was asked to" : "its work ended" }, `${options.name}.stopping`);
    if (options.refusalOf?.(running) !== undefined) throw new ExitSignal("refused");
  } catch (error) {
    if (error instanceof ExitSignal) throw error;
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
