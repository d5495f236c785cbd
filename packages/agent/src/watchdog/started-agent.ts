import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** One program of the agent that the watchdog can start. */
export interface AgentProgramFile {
  readonly entry: string;
  /** Of its release; absent: installed by hand. */
  readonly digest: string | undefined;
  /** The grant it is on trial for. */
  readonly trial: string | undefined;
}

export interface AgentEnd {
  /** Exit code or signal, in words. */
  readonly words: string;
  readonly code: number | null;
  readonly ranMs: number;
  /** {@link StartedAgent.end} came before it: it does not make room for another program. */
  readonly wasAsked: boolean;
}

/** What was installed by hand may be replaced in its place, by an older version as well: then it is another program. */
export function nameOf({ entry, digest }: Pick<AgentProgramFile, "entry" | "digest">): string {
  return digest ?? `${entry} of ${statSync(entry, { throwIfNoEntry: false })?.mtimeMs}`;
}

/** What somebody wants to know who was not there: the end of what it complained about. */
const lastWordsMax = 2_000;

/** A running program of the agent. Its standard input ends with this process, and that ends it as well. */
export class StartedAgent {
  readonly ended: Promise<AgentEnd>;
  readonly #child: ChildProcess;
  readonly #startedAt = performance.now();
  #lastWords = "";
  #wasAsked = false;

  /** `listener` is the process that listens for its signs of life. */
  constructor(program: AgentProgramFile, args: readonly string[], listener?: number) {
    const { entry, digest, trial } = program;
    // What a program on trial complains about is told when it ends; of a proven one it goes where it always went.
    const stderr = trial === undefined ? "inherit" : "pipe";
    this.#child = spawn(process.execPath, [entry, ...args], {
      stdio: ["pipe", "inherit", stderr],
      env: {
        ...process.env,
        SLUICE_AGENT_PROGRAM: digest ?? "installed",
        SLUICE_AGENT_TRIAL: trial ?? "",
        SLUICE_AGENT_LISTENER: `${listener ?? ""}`,
      },
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      process.stderr.write(chunk);
      this.#lastWords = `${this.#lastWords}${chunk}`.slice(-lastWordsMax);
    });
    this.#child.stdin?.on("error", () => undefined);
    this.ended = this.#untilEnded();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ranMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** The line in which most programs say why they end. */
  get lastWords(): string {
    const lines = this.#lastWords.split("\n").map((line) => line.trim());
    return lines.findLast((line) => /error/i.test(line)) ?? lines.findLast((line) => line !== "") ?? "";
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end, and kills it when it does not within `graceMs`. */
  async end(graceMs: number): Promise<void> {
    this.#wasAsked = true;
    this.signal("SIGTERM");
    await Promise.race([this.ended, delay(graceMs, undefined, { ref: false })]);
    this.signal("SIGKILL");
    await this.ended;
  }

  #untilEnded(): Promise<AgentEnd> {
    return new Promise((resolve) => {
      const end = (code: number | null, words: string) =>
        resolve({ code, words, ranMs: this.ranMs, wasAsked: this.#wasAsked });
      this.#child.once("error", (error) => end(null, error.message));
      // With `close` its last words are in; somebody who has inherited its output may keep that open, so not for ever.
      this.#child.once("exit", (code, signal) => {
        const words = signal ?? `exit code ${code}`;
        const late = setTimeout(() => end(code, words), 500);
        this.#child.once("close", () => {
          clearTimeout(late);
          end(code, words);
        });
      });
    });
  }
}

/** Why it ended, for who was not there. */
export function endedWords(agent: StartedAgent, { words, ranMs }: AgentEnd): string {
  const last = agent.lastWords;
  const told = last === "" ? "" : `: ${last}`;
  return `it ended with ${words} after ${(ranMs / 1000).toFixed(1)} s${told}`;
}
