import { clockOf } from "@sluice/runtime";
import pc from "picocolors";
import { runCli } from "../program.ts";
import type { Output, World } from "../world.ts";
import type { CommandOptions, CommandResult } from "./run-command.ts";

/**
 * Runs `sluice` with these arguments within this process, which a demo has no time to start again for each of its verbs, and
 * answers with the exit code. Aborting the signal is Ctrl-C.
 */
export async function runVerb(args: readonly string[], world: World, options: CommandOptions): Promise<CommandResult> {
  const { coordinator, cwd, env, signal, onLine } = options;
  const lines: string[] = [];
  const output = linesTo((line) => {
    lines.push(line);
    onLine(line);
  });
  const exit = await runCli(args, {
    ...world,
    ...{ stdout: output, stderr: output, cwd, canAsk: false, colors: pc.createColors(false) },
    env: { ...env, SLUICE_COORDINATOR: coordinator },
    now: () => clockOf(env).now(),
    onInterrupt: (listener) => {
      signal.addEventListener("abort", listener, { once: true });
      return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
    },
  });
  output.end();
  return { exit, lines };
}

/** Cuts what is written into lines, both streams together. */
function linesTo(onLine: (line: string) => void): Output & { end(): void } {
  let rest = "";
  return {
    isTerminal: false,
    write: (text) => {
      const [last = "", ...whole] = (rest + text).split("\n").reverse();
      rest = last;
      for (const line of whole.reverse()) onLine(line);
    },
    end: () => {
      if (rest !== "") onLine(rest);
    },
  };
}
