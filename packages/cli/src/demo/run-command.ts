import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const mainFile = fileURLToPath(new URL("../sluice.mjs", import.meta.url));

export interface CommandOptions {
  readonly coordinator: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Every line of both streams as it comes. */
  readonly onLine: (line: string) => void;
}

export interface CommandResult {
  readonly exit: number;
  readonly lines: readonly string[];
}

/** Runs `sluice` with these arguments as a process of its own, as an operator's shell would, and answers with its exit code. */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = spawn(process.execPath, [mainFile, ...args], {
    cwd: options.cwd,
    env: { ...options.env, SLUICE_COORDINATOR: options.coordinator },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  options.signal.addEventListener("abort", kill, { once: true });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      options.onLine(line);
    });
  }
  const [exit] = (await once(child, "close")) as [number | null];
  options.signal.removeEventListener("abort", kill);
  return { exit: exit ?? -1, lines };
}
