import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface ProgramOptions {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** It counts as started when this port takes connections. */
  readonly port: number;
}

/** A program in a process group of its own; disposing kills the whole group. */
export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
}

const startMs = 15_000;
const pollMs = 5;

/** Rejects with its log when it ends, or takes no connections in time. */
export async function startProgram(options: ProgramOptions): Promise<StartedProgram> {
  const [command, ...args] = options.command;
  const log = openSync(options.logFile, "a");
  const env = { ...process.env, ...options.env };
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log], env });
  closeSync(log);
  await once(child, "spawn");
  const program = { pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child) };
  try {
    await untilListening(child, options);
    return program;
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilListening(child: ChildProcess, { command, port, logFile }: ProgramOptions): Promise<void> {
  const deadline = performance.now() + startMs;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null) {
      throw new Error(`${command.join(" ")} ended with ${child.exitCode}: ${readFileSync(logFile, "utf8")}`);
    }
    if (performance.now() > deadline) throw new Error(`${command.join(" ")} takes no connections on port ${port}`);
    await delay(pollMs);
  }
}

export async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await gone;
}
