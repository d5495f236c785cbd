import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { Problem } from "@sluice/core/problems/problem";

/** Saying a version takes moments; a program that takes longer hangs. */
const askWithinMs = 20_000;

export interface ProgramQuestion {
  /** For people: `agent 2.0.0`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** Starts a program with Node so far that it says one line, its version. Rejects with what it complained about. */
export async function askProgram({ name, args, signal }: ProgramQuestion): Promise<string> {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(askWithinMs)]),
    killSignal: "SIGKILL",
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killed) => resolve(killed === null ? `exit code ${code}` : killed));
  });
  const [said, complaint, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]).catch((cause) => {
    throw new Problem("spawn-failed", `cannot start ${name} to ask for its version`, { cause });
  });
  const found = said.trim();
  if (end === "exit code 0" && found !== "") return found;
  const words = complaint.trim().split("\n").at(-1) ?? "";
  throw new Problem("spawn-failed", `${name} can't start: it ended with ${end}: ${words}`);
}
