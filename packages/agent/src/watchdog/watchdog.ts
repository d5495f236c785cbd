import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@sluice/runtime";
import { completeMark } from "@sluice/runtime/artifacts/complete-mark";
import { Silence } from "./silence.ts";
import { type AgentEnd, type AgentProgramFile, endedWords, nameOf, StartedAgent } from "./started-agent.ts";
import {
  type Hang,
  isAlive,
  type ProgramFiles,
  readProgram,
  readRecord,
  stamped,
  type WatchdogRecord,
  writeRecord,
} from "./watchdog-files.ts";

export interface WatchdogOptions {
  readonly dataDir: string;
  /** The program that was installed by hand. */
  readonly entry: string;
  /** Every program is started with these. */
  readonly args: readonly string[];
  readonly say: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly timings: WatchdogTimings;
  readonly clock: Pick<Clock, "now">;
  /** Where programs send their signs of life to, which are handed on to {@link Watchdog.heard}; absent: they are not asked for any. */
  readonly pid?: number;
}

export interface WatchdogTimings {
  /** For a program on trial to report that all is well; it gives up on itself before that, if it can. */
  readonly reportWithinMs: number;
  /** After confirm-by, in which the agent ends its trial by itself. */
  readonly confirmGraceMs: number;
  readonly checkEveryMs: number;
  /** For a program to end when it was asked to. */
  readonly endWithinMs: number;
  /** Without a sign of life from a program that has given some, after which it hangs. */
  readonly silentMsMax: number;
  /** For the first sign of life of a proven program that is known to give some, after which it hangs as well. */
  readonly firstSignWithinMs: number;
  /** Before a proven program that crashed is started again; doubled each time, up to the second. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
}

export const watchdogTimings: WatchdogTimings = {
  reportWithinMs: 150_000,
  confirmGraceMs: 10_000,
  checkEveryMs: 500,
  endWithinMs: 5_000,
  // It gives one with every look at its host, every five seconds at the latest; on a machine short of everything looks take long.
  silentMsMax: 90_000,
  // As long as one on trial has. Before its first look an agent may wait for a keeper to start, and for all of its code to be compiled.
  firstSignWithinMs: 150_000,
  backOffMs: 100,
  backOffMaxMs: 5_000,
};

/** A run this long starts the back-off anew. */
const steadyMs = 10_000;
/** How `sluice` ends when the command line can't be used: no try of it ends otherwise. */
const usageCode = 2;

/**
 * Keeps the agent of one host running, and starts what the agent tells it by `program.json`: the proven program, or for once the
 * one on trial. A trial ends when its program ends, does not report in time or is not confirmed in time; then the proven
 * program is started, and reads why. A watchdog that starts finds no trial under way: what was on trial when the host or the
 * watchdog went down is over (a restart brings back what is proven). Nothing here touches what users reach.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #ends: Record<string, { readonly reason: string; readonly atMs: number }> = {};
  readonly #stopping = new AbortController();
  #agent: StartedAgent | undefined;
  #silence: Silence | undefined;
  #hang: Hang | undefined;
  #signing = new Set<string>();
  #code = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Resolves with the exit code of the program it watched last, once that has ended and no other is to be started. */
  async run(): Promise<number> {
    if (!(await this.#claim())) return 1;
    let mayTry = false;
    let crashes = 0;
    while (!this.#stopping.signal.aborted) {
      const program = await this.#choose(mayTry);
      const end = await this.#runOnce(program);
      if (this.#stopping.signal.aborted) break;
      const isUnusable = program.trial === undefined && end.code === usageCode && end.ranMs < steadyMs;
      if (isUnusable) return usageCode;
      // A program that ends well without being asked makes room for what its file names.
      mayTry = program.trial === undefined && end.code === 0 && !end.wasAsked;
      crashes = end.code === 0 || program.trial !== undefined || end.ranMs >= steadyMs ? 0 : crashes + 1;
      if (crashes > 0) await this.#backOff(crashes, end);
    }
    return this.#code;
  }

  /** The program that runs has given a sign of life: it goes about its work. */
  heard(): void {
    this.#silence?.heard();
  }

  /** Ends the program that runs, and then the watch. */
  stop(signal: "SIGTERM" | "SIGINT"): void {
    const isAgain = this.#stopping.signal.aborted;
    this.#stopping.abort();
    this.#agent?.signal(isAgain ? "SIGKILL" : signal);
  }

  /** Makes sure that nobody else watches here and that no agent of an earlier watchdog is left. */
  async #claim(): Promise<boolean> {
    const { dataDir, say, timings } = this.#options;
    const before = readRecord(dataDir);
    if (isAlive(before.watchdog) && before.watchdog.pid !== process.pid) {
      say("watchdog.refused", { why: `watchdog ${before.watchdog.pid} looks after '${dataDir}' already` });
      return false;
    }
    const deadline = performance.now() + timings.endWithinMs;
    while (isAlive(before.agent)) {
      // It ends by itself, because its watchdog is gone.
      if (performance.now() > deadline) process.kill(before.agent.pid, "SIGKILL");
      await delay(20);
    }
    Object.assign(this.#ends, before.ends);
    this.#hang = before.hang;
    this.#signing = new Set(before.signing);
    // This watchdog is part of it, and of a version that gives signs.
    if (this.#options.pid !== undefined) this.#signing.add(nameOf({ entry: this.#options.entry, digest: undefined }));
    const { trial } = readProgram(dataDir);
    if (trial !== undefined && this.#ends[trial.grant] === undefined) {
      await this.#endTrial(trial.grant, "the host or its watchdog restarted before it was confirmed");
    } else await this.#record();
    return true;
  }

  async #choose(mayTry: boolean): Promise<AgentProgramFile> {
    const { dataDir, entry, say } = this.#options;
    const { proven, trial } = readProgram(dataDir);
    if (mayTry && trial !== undefined && this.#ends[trial.grant] === undefined) {
      const file = this.#fileOf(trial);
      if (file !== undefined) return { ...file, trial: trial.grant };
      await this.#endTrial(trial.grant, "its files are not complete on disk");
    }
    const file = proven === undefined ? undefined : this.#fileOf(proven);
    if (file !== undefined) return { ...file, trial: undefined };
    if (proven !== undefined) say("watchdog.program-gone", { digest: proven.digest, instead: entry });
    return { entry, digest: undefined, trial: undefined };
  }

  /** Undefined when its files are not all there. */
  #fileOf({ digest, files }: ProgramFiles): Omit<AgentProgramFile, "trial"> | undefined {
    const { dataDir, entry } = this.#options;
    if (files === undefined) return { entry, digest: undefined };
    const folder = join(dataDir, "releases", files.artifact.slice("sha256:".length));
    const found = join(folder, files.entry);
    return existsSync(join(folder, completeMark)) && existsSync(found) ? { entry: found, digest } : undefined;
  }

  async #runOnce(program: AgentProgramFile): Promise<AgentEnd> {
    const { args, say, pid, timings } = this.#options;
    const agent = new StartedAgent(program, args, pid);
    const silence = new Silence(timings.checkEveryMs);
    this.#agent = agent;
    // Before anything else is waited for: its first sign may come meanwhile.
    this.#silence = silence;
    say("watchdog.started", { program: program.digest ?? "installed", trial: program.trial, agent: agent.pid });
    await this.#record();
    const over = new AbortController();
    const guard = program.trial === undefined ? undefined : this.#guard(agent, program, over.signal);
    const listening = this.#listen(agent, program, silence, over.signal);
    const end = await agent.ended;
    over.abort();
    await Promise.all([guard, listening]);
    this.#agent = undefined;
    this.#code = end.code ?? 1;
    say("watchdog.ended", { program: program.digest ?? "installed", end: end.words, ranMs: Math.round(end.ranMs) });
    if (program.trial !== undefined && this.#wasGivenUp(program.trial, program.digest)) {
      await this.#endTrial(program.trial, endedWords(agent, end));
    }
    return end;
  }

  /** Nobody confirmed it or said why it is over, also where a program that can't read what its trial is took itself out of the file. */
  #wasGivenUp(grant: string, digest: string | undefined): boolean {
    if (this.#stopping.signal.aborted || this.#ends[grant] !== undefined) return false;
    const { trial, proven } = readProgram(this.#options.dataDir);
    return trial?.grant === grant || proven?.digest !== digest;
  }

  /** The file still speaks of this trial, and nobody has said why it is over. */
  #isUnderTrial(grant: string): boolean {
    if (this.#stopping.signal.aborted || this.#ends[grant] !== undefined) return false;
    return readProgram(this.#options.dataDir).trial?.grant === grant;
  }

  /** Ends a program on trial whose time is up, by the wall clock or by the time that has passed: either may be wrong. */
  async #guard(agent: StartedAgent, { trial: grant = "", digest }: AgentProgramFile, over: AbortSignal): Promise<void> {
    const { dataDir, timings, clock } = this.#options;
    let givenUpAt: number | undefined;
    let known: { readonly confirmByMs: number; readonly ranMsMax: number } | undefined;
    while (!over.aborted) {
      await delay(timings.checkEveryMs, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      const { trial, proven } = readProgram(dataDir);
      if (trial?.grant !== grant) {
        // Confirmed, or given up by the agent itself, which then ends.
        if (proven?.digest === digest) return;
        givenUpAt ??= agent.ranMs;
        if (agent.ranMs - givenUpAt < timings.endWithinMs * 2) continue;
        await agent.end(timings.endWithinMs);
        return;
      }
      const { confirmByMs, isReported } = trial;
      if (known?.confirmByMs !== confirmByMs) {
        known = { confirmByMs, ranMsMax: agent.ranMs + confirmByMs - clock.now() };
      }
      const late = timings.confirmGraceMs;
      const isOverdue = clock.now() >= confirmByMs + late || agent.ranMs >= known.ranMsMax + late;
      const isMute = !isReported && agent.ranMs >= timings.reportWithinMs;
      if (!isOverdue && !isMute) continue;
      const reason = isOverdue
        ? "it was not confirmed by its deadline"
        : `it started, and did not report within ${Math.round(timings.reportWithinMs / 1000)} s that all is well`;
      await this.#endTrial(grant, reason);
      await agent.end(timings.endWithinMs);
      return;
    }
  }

  /**
   * Ends a program that does not go about its work, or no longer: a host whose agent only seems to be there is looked after by nobody.
   * Of one that was never heard of nothing is expected, as older ones give no signs; one on trial has to report, and by then has.
   */
  async #listen(agent: StartedAgent, program: AgentProgramFile, silence: Silence, over: AbortSignal): Promise<void> {
    const { timings } = this.#options;
    const name = nameOf(program);
    const firstMs = program.trial === undefined && this.#signing.has(name) ? timings.firstSignWithinMs : undefined;
    while (!over.aborted) {
      await delay(timings.checkEveryMs, undefined, { signal: over }).catch(() => undefined);
      const silentMs = Math.round(silence.look(performance.now()));
      if (over.aborted) return;
      if (silence.wasHeard && !this.#signing.has(name)) {
        this.#signing.add(name);
        await this.#record();
      }
      const silentMsMax = silence.wasHeard ? timings.silentMsMax : firstMs;
      if (silentMsMax === undefined || silentMs < silentMsMax) continue;
      await this.#endHanging(agent, program, { silentMs, isFirst: !silence.wasHeard });
    }
  }

  async #endHanging(
    agent: StartedAgent,
    { trial, digest }: AgentProgramFile,
    how: Pick<Hang, "silentMs" | "isFirst">,
  ): Promise<void> {
    const { timings, clock, say } = this.#options;
    say("watchdog.agent-hangs", { program: digest ?? "installed", agent: agent.pid, ...how });
    this.#hang = { atMs: clock.now(), ...how };
    const reason = `it gave no sign of life for ${Math.round(how.silentMs / 1000)} s`;
    if (trial !== undefined && this.#isUnderTrial(trial)) await this.#endTrial(trial, reason);
    else await this.#record();
    await agent.end(timings.endWithinMs);
  }

  async #endTrial(grant: string, reason: string): Promise<void> {
    const { clock, say } = this.#options;
    this.#ends[grant] = { reason, atMs: clock.now() };
    say("watchdog.trial-over", { grant, reason });
    await this.#record();
  }

  /** A disk that takes nothing must not keep the agent down: then the reason is lost, and the trial is over all the same. */
  async #record(): Promise<void> {
    const { dataDir, say } = this.#options;
    const record: WatchdogRecord = {
      watchdog: stamped(process.pid),
      agent: this.#agent?.pid === undefined ? undefined : stamped(this.#agent.pid),
      ends: this.#ends,
      hang: this.#hang,
      signing: [...this.#signing],
    };
    await writeRecord(dataDir, record).catch((error: unknown) => say("watchdog.not-written", { error: String(error) }));
  }

  async #backOff(crashes: number, end: AgentEnd): Promise<void> {
    const { timings, say } = this.#options;
    const waitMs = Math.min(timings.backOffMaxMs, timings.backOffMs * 2 ** (crashes - 1));
    say("watchdog.starting-again", { after: end.words, crashes, waitMs });
    await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
