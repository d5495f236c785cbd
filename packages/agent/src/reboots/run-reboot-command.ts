import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";

/** As much of its output as fits under an operator's eyes. */
const outputCharsMax = 300;

/** From here on a shell's exit code names the signal that ended what it ran. */
const signalCodes = 128;

/**
 * Runs the host's own reboot command by its shell, apart from the agent: it goes on when the agent is ended by what it does.
 * Resolves with what went wrong, or with undefined when the command ended well, or was itself ended by the shutdown.
 */
export async function runRebootCommand(command: string, outputFile: string): Promise<string | undefined> {
  // A file and no pipe: nobody may be there any more to read.
  const output = await open(outputFile, "w", 0o600);
  try {
    const child = spawn("/bin/sh", ["-c", command], { detached: true, stdio: ["ignore", output.fd, output.fd] });
    child.unref();
    const [code] = (await once(child, "exit")) as [number | null];
    if (code === null || code === 0 || code > signalCodes) return undefined;
    const text = (await readFile(outputFile, "utf8"))
      .trim()
      .replaceAll(/\s*\n\s*/g, " ⏎ ")
      .slice(-outputCharsMax);
    return `the reboot command exited with code ${code}${text === "" ? "" : `: ${text}`}`;
  } catch (error) {
    return `the reboot command could not be started: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await output.close();
  }
}
