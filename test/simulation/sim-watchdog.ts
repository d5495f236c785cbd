import type { AgentSeen, ProgramFile } from "@sluice/core";
import type { History } from "./history.ts";
import type { ProgramBehaviour } from "./program-behaviour.ts";
import type { ProgramPromises } from "./program-promises.ts";
import { DiskFull, type SimDisk } from "./sim-disk.ts";
import type { SimMachine } from "./sim-machine.ts";
import { firstProgram } from "./simulated-fleet.ts";

/** Limits of the real watchdog. */
const reportWithinMs = 150_000;
const confirmGraceMs = 10_000;
const silentMsMax = 90_000;
const givenUpMs = 10_000;
const checkEveryMs = 1000;

export interface WatchdogPorts {
  readonly history: History;
  readonly name: string;
  readonly machine: SimMachine;
  readonly disk: SimDisk;
  readonly promises: ProgramPromises;
  readonly localNow: () => number;
  /** Ends the program that runs, which is started again soon. */
  readonly endProgram: () => void;
}

/** What runs as the agent, and how it was started. */
export interface RunningProgram {
  readonly digest: string;
  readonly trial: string | undefined;
  readonly startedAt: number;
  readonly behaviour: ProgramBehaviour;
  /** Since when it gives no sign of life though it is there. */
  hangsSince?: number;
  isDeaf: boolean;
}

/**
 * The watchdog of a host: it starts what `program.json` names, the one on trial once, and ends a trial whose time is up. It knows that
 * file and its own record of trials that are over, both on disk; all else is forgotten when it is killed.
 */
export class SimWatchdog {
  /** As the agent wrote it last. */
  file: ProgramFile = { version: 1 };
  running: RunningProgram | undefined;
  readonly #ports: WatchdogPorts;
  readonly #ends = new Map<string, string>();
  #mayTry = false;
  /** What the next agent finds of it. */
  #pid = 0;

  constructor(ports: WatchdogPorts) {
    this.#ports = ports;
  }

  /** It starts, with its host or after it was killed: what was on trial is over. */
  begin(): void {
    this.#mayTry = false;
    const { trial } = this.file;
    if (trial !== undefined && !this.#ends.has(trial.grant))
      this.#endTrial(trial.grant, "the host or its watchdog restarted before it was confirmed");
  }

  /** Starts the program whose turn it is. */
  start(): RunningProgram {
    const { proven, trial } = this.file;
    const isTry = this.#mayTry && trial !== undefined && !this.#ends.has(trial.grant);
    const digest = isTry ? trial.digest : (proven?.digest ?? firstProgram("agent"));
    const { history, machine, name, promises } = this.#ports;
    const { now } = history.time;
    const behaviour = isTry ? (history.programs?.get(digest) ?? "good") : "good";
    const running = { digest, trial: isTry ? trial.grant : undefined, startedAt: now, behaviour, isDeaf: false };
    this.running = running;
    history.trace.add(`${name}: watchdog starts ${digest}${isTry ? " on trial" : ""}`);
    machine.programs = { ...machine.programs, agent: this.#seen(running, ++this.#pid) };
    machine.changed();
    promises.starts(name, "agent", digest, running.trial);
    if (isTry) this.#guard(running, trial.grant);
    return running;
  }

  #seen({ digest, trial, startedAt }: RunningProgram, pid: number): AgentSeen {
    const of = trial === undefined ? {} : { trial };
    const trialEnds = Object.fromEntries(this.#ends);
    return { digest, version: digest, pid, startedAtMs: startedAt, ...of, trialEnds };
  }

  /** The program has ended; one that ended well without having been asked makes room. */
  ended(isWell: boolean): void {
    const { running } = this;
    this.forget();
    const trial = running?.trial;
    this.#mayTry = trial === undefined && isWell;
    if (trial !== undefined && this.file.trial?.grant === trial && !this.#ends.has(trial))
      this.#endTrial(trial, "it ended");
  }

  /** It is gone, and its program with it. */
  forget(): void {
    this.running = undefined;
    const { agent: _, ...others } = this.#ports.machine.programs;
    this.#ports.machine.programs = others;
    this.#ports.machine.changed();
  }

  /** The agent tells what is to be started. Throws {@link DiskFull}, and nothing has changed then. */
  tell(file: ProgramFile): void {
    if (!this.#ports.disk.hasRoomFor("ledger")) throw new DiskFull();
    this.file = file;
  }

  /** A program that hangs is ended in the end, whatever it is. */
  noteHang(): void {
    const { running } = this;
    const { history, endProgram } = this.#ports;
    if (running === undefined) return;
    running.hangsSince = history.time.now;
    if (running.behaviour === "hangs") return;
    history.time.after(silentMsMax, () => {
      if (this.running !== running) return;
      if (running.trial !== undefined && this.file.trial?.grant === running.trial)
        this.#endTrial(running.trial, "it gave no sign of life for 90 s");
      endProgram();
    });
  }

  /** Looks again and again whether the time of the program on trial is up. */
  #guard(running: RunningProgram, grant: string, givenUpAt?: number): void {
    const { history } = this.#ports;
    history.time.after(checkEveryMs, () => {
      if (this.running !== running) return;
      const { trial, proven } = this.file;
      this.#ports.promises.onTrial(this.#ports.name, "agent", grant, running.digest);
      if (trial?.grant !== grant) {
        if (proven?.digest === running.digest) return;
        const since = givenUpAt ?? history.time.now;
        if (history.time.now - since < givenUpMs) this.#guard(running, grant, since);
        else this.#ports.endProgram();
        return;
      }
      const isOverdue = this.#ports.localNow() >= trial.confirmBy + confirmGraceMs;
      const isMute = !trial.isReported && history.time.now - running.startedAt >= reportWithinMs;
      if (!isOverdue && !isMute) {
        this.#guard(running, grant);
        return;
      }
      this.#endTrial(grant, isOverdue ? "it was not confirmed by its deadline" : "it did not report");
      this.#ports.endProgram();
    });
  }

  #endTrial(grant: string, reason: string): void {
    this.#ends.set(grant, reason);
    this.#ports.history.trace.add(`${this.#ports.name}: trial ${grant} is over: ${reason}`);
    this.#ports.history.trace.count(`trial over: ${reason}`);
  }
}
