import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stampOf } from "@sluice/agent/keeper/process-stamp";
import { Problem } from "@sluice/core";

/** A process that a dev fleet started; the stamp tells it from a later one with the same pid. */
export interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
  readonly stamp: string;
}

export interface ChildSpec {
  readonly name: string;
  /** Arguments of this Node. */
  readonly args: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
}

const recordFileOf = (dir: string): string => join(dir, "processes.json");

/** The programs of a dev fleet, each in a session of its own, each on record before it can be forgotten. */
export class ChildProcesses {
  readonly #dir: string;
  readonly #running = new Map<string, { readonly child: ChildProcess; readonly recorded: RecordedProcess }>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Starts a program; one of the same name must have ended. */
  async start(spec: ChildSpec): Promise<RecordedProcess> {
    mkdirSync(dirname(spec.logFile), { recursive: true });
    const output = openSync(spec.logFile, "a", 0o600);
    const child = spawn(process.execPath, [...spec.args], {
      detached: true,
      stdio: ["ignore", output, output],
      env: { ...process.env, ...spec.env },
    });
    closeSync(output);
    if (child.pid === undefined) {
      const [cause] = await once(child, "error");
      throw new Problem("spawn-failed", `cannot start ${spec.name}`, { cause });
    }
    const recorded = { name: spec.name, pid: child.pid, stamp: stampOf(child.pid) ?? "gone" };
    this.#running.set(spec.name, { child, recorded });
    this.#record();
    return recorded;
  }

  /** How a program ended, in words; undefined while it runs. */
  endOf(name: string): string | undefined {
    const running = this.#running.get(name);
    if (running === undefined) return "it was never started";
    if (running.child.signalCode !== null) return `it was ended by ${running.child.signalCode}`;
    return running.child.exitCode === null ? undefined : `it ended with exit code ${running.child.exitCode}`;
  }

  /** Sends a signal and waits until the program is gone; content when it is gone already. */
  async end(name: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    await endProcess(running.recorded, signal);
    // Its other threads may end a moment later, and with them its locks on files.
    await exitOf(running.child);
    this.#running.delete(name);
    this.#record();
  }

  #record(): void {
    const recorded = [...this.#running.values()].map((running) => running.recorded);
    writeFileSync(recordFileOf(this.#dir), `${JSON.stringify(recorded, undefined, 2)}\n`);
  }
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Processes on record in a data folder, whether they still run or not; empty when there is no record. */
export function readRecordedProcesses(dir: string): readonly RecordedProcess[] {
  try {
    const read: unknown = JSON.parse(readFileSync(recordFileOf(dir), "utf8"));
    return Array.isArray(read) ? read.filter(isRecorded) : [];
  } catch {
    return [];
  }
}

function isRecorded(value: unknown): value is RecordedProcess {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "stamp" in value &&
    typeof value.stamp === "string" &&
    "name" in value &&
    typeof value.name === "string"
  );
}

/** A program asked to end gets this long before it is killed. */
const graceMs = 5000;
/** The kernel takes a moment even for SIGKILL. */
const killMs = 5000;
const pollMs = 20;

export const isRunning = (recorded: { readonly pid: number; readonly stamp: string }): boolean =>
  stampOf(recorded.pid) === recorded.stamp;

/** Ends exactly this process, never another one with its pid. Resolves when it is gone. */
export async function endProcess(
  recorded: { readonly pid: number; readonly stamp: string },
  signal: "SIGTERM" | "SIGKILL",
): Promise<void> {
  if (!isRunning(recorded)) return;
  send(recorded.pid, signal);
  if (await isGoneWithin(recorded, signal === "SIGTERM" ? graceMs : killMs)) return;
  send(recorded.pid, "SIGKILL");
  if (await isGoneWithin(recorded, killMs)) return;
  throw new Problem("internal", `cannot end process ${recorded.pid}: it is still there after SIGKILL`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function isGoneWithin(recorded: { readonly pid: number; readonly stamp: string }, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isRunning(recorded)) {
    if (performance.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}
