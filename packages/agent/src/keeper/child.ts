import { Problem } from "@sluice/core/problems/problem";
import { after, durationMs, type Instant, instant } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime/clock/clock";
import type { ChildExit, ChildSignal, ChildSpec, KeeperEvent, KeptChild } from "./keeper-api.ts";
import type { ChildState } from "./keeper-state.ts";
import { stampOf } from "./process-stamp.ts";
import { spawnChild } from "./spawn-child.ts";

/** A run at least this long counts as a success: the next exit is met at once again. */
const steadyMs = 10_000;
const firstDelayMs = 100;
const delayMsMax = 5000;

/** What a child needs from the keeper. */
export interface ChildHost {
  readonly clock: Clock;
  readonly logsDir: string;
  /** The fds of the named sockets; throws when one is not to be had. */
  take(sockets: readonly string[]): Promise<readonly number[]>;
  /** Something worth telling and worth saving has happened. */
  happened(event: KeeperEvent): void;
  /** False while a predecessor is still in charge, or a successor already: nothing may be started then. */
  inCharge(): boolean;
}

interface Run {
  readonly pid: number;
  readonly stamp: string;
  readonly startedAt: Instant;
  readonly adopted: boolean;
}

/** One process that the keeper was asked to have: started, watched, started again, at last removed. */
export class Child {
  readonly id: string;
  readonly spec: ChildSpec;
  readonly #host: ChildHost;
  #run: Run | undefined;
  #starting: Promise<void> | undefined;
  #retry: { readonly at: Instant; readonly cancel: AbortController } | undefined;
  #lastExit: ChildExit | undefined;
  #restarts = 0;
  /** Exits in a row that came too soon. */
  #hasty = 0;
  #removing = false;
  readonly #waiters = new Set<() => void>();

  constructor(host: ChildHost, id: string, spec: ChildSpec) {
    this.#host = host;
    this.id = id;
    this.spec = spec;
  }

  /** The child of an earlier keeper, alive or not; call {@link tick} to find out. */
  static adopt(host: ChildHost, state: ChildState): Child {
    const child = new Child(host, state.id, state.spec);
    child.#restarts = state.restarts;
    child.#lastExit = state.lastExit ?? undefined;
    child.#removing = state.removing;
    child.#run =
      state.run === null ? undefined : { ...state.run, startedAt: instant(state.run.startedAt), adopted: true };
    return child;
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  get removing(): boolean {
    return this.#removing;
  }

  view(): KeptChild {
    const { command, args, cwd, sockets, restart } = this.spec;
    const common = {
      id: this.id,
      restarts: this.#restarts,
      lastExit: this.#lastExit ?? null,
      command,
      args,
      cwd,
      sockets,
      restart,
    };
    return {
      ...common,
      phase: this.#phase(),
      pid: this.#run?.pid ?? null,
      startedAt: this.#run?.startedAt ?? null,
      retryAt: this.#retry?.at ?? null,
      adopted: this.#run?.adopted ?? false,
    };
  }

  state(): ChildState {
    const run =
      this.#run === undefined ? null : { pid: this.#run.pid, stamp: this.#run.stamp, startedAt: this.#run.startedAt };
    return {
      id: this.id,
      spec: this.spec,
      run,
      restarts: this.#restarts,
      lastExit: this.#lastExit ?? null,
      removing: this.#removing,
    };
  }

  /** Starts it; resolves when it runs. Throws `spawn-failed`, `socket-unknown` or `port-taken`. */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Resolves when no start is under way. */
  async settled(): Promise<void> {
    await this.#starting?.catch(() => undefined);
  }

  /** Notices the end of an adopted process, and makes up for a restart that nobody was in charge of. */
  tick(): void {
    const run = this.#run;
    if (run?.adopted && stampOf(run.pid) !== run.stamp) this.#ended(run, null, null);
    const idle =
      this.#run === undefined &&
      this.#retry === undefined &&
      this.#starting === undefined &&
      this.#lastExit !== undefined;
    if (idle && this.#restartable()) this.#startAgain();
  }

  /** Forgets a restart to come; {@link tick} makes up for it. */
  holdRestart(): void {
    this.#retry?.cancel.abort();
    this.#retry = undefined;
  }

  /** Resolves true at the end of the present run, at once when there is none; false when `signal` aborts first. */
  exited(signal: AbortSignal): Promise<boolean> {
    if (this.#run === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (exited: boolean) => {
        this.#waiters.delete(ended);
        signal.removeEventListener("abort", aborted);
        resolve(exited);
      };
      const ended = () => settle(true);
      const aborted = () => settle(false);
      if (signal.aborted) return resolve(false);
      this.#waiters.add(ended);
      signal.addEventListener("abort", aborted);
    });
  }

  /** SIGKILL goes to the whole process group, everything else to the process alone, which knows best what its children need. */
  signal(signal: ChildSignal): void {
    const run = this.#run;
    if (run === undefined || stampOf(run.pid) !== run.stamp) {
      throw new Problem("child-conflict", `cannot signal child '${this.id}': it is not running`);
    }
    kill(signal === "SIGKILL" ? -run.pid : run.pid, signal);
  }

  /** From now on never started again, whatever happens to us. */
  markRemoving(): void {
    this.#removing = true;
    this.holdRestart();
  }

  /** SIGTERM or the signal it stops by, then after `graceMs` SIGKILL to the group; resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    await this.settled();
    if (this.#run === undefined) return;
    kill(this.#run.pid, this.spec.stopSignal ?? "SIGTERM");
    if (await this.exited(AbortSignal.timeout(graceMs))) return;
    if (this.#run !== undefined) kill(-this.#run.pid, "SIGKILL");
    await this.exited(new AbortController().signal);
  }

  async #start(): Promise<void> {
    const { clock, logsDir } = this.#host;
    const fds = await this.#host.take(this.spec.sockets);
    const process = await spawnChild(this.spec, { id: this.id, logsDir, fds });
    const run: Run = { pid: process.pid, stamp: stampOf(process.pid) ?? "", startedAt: clock.now(), adopted: false };
    this.#run = run;
    process.on("error", () => undefined);
    process.once("exit", (code, signal) => this.#ended(run, code, signal));
    this.#host.happened({
      kind: "child-started",
      id: this.id,
      pid: run.pid,
      at: run.startedAt,
      restarts: this.#restarts,
    });
  }

  #ended(run: Run, code: number | null, signal: string | null): void {
    const { clock } = this.#host;
    const exit: ChildExit = { code, signal, at: clock.now(), adopted: run.adopted };
    this.#run = undefined;
    this.#lastExit = exit;
    this.#hasty = exit.at - run.startedAt >= steadyMs ? 0 : this.#hasty;
    if (this.#removing || this.spec.restart === "on-exit") kill(-run.pid, "SIGKILL");
    const willRestart = this.#restartable();
    this.#host.happened({ kind: "child-exited", id: this.id, pid: run.pid, exit, willRestart });
    for (const wake of [...this.#waiters]) wake();
    if (willRestart) this.#startAgain();
  }

  #restartable(): boolean {
    return this.spec.restart === "on-exit" && !this.#removing && this.#host.inCharge();
  }

  #startAgain(): void {
    const { clock } = this.#host;
    const delay = this.#hasty === 0 ? 0 : Math.min(firstDelayMs * 2 ** (this.#hasty - 1), delayMsMax);
    const cancel = new AbortController();
    this.#hasty += 1;
    this.#retry = { at: after(clock.now(), durationMs(delay)), cancel };
    clock.sleep(durationMs(delay), cancel.signal).then(
      () => this.#retryNow(),
      () => undefined,
    );
  }

  async #retryNow(): Promise<void> {
    this.#retry = undefined;
    this.#restarts += 1;
    try {
      await this.start();
    } catch {
      if (this.#restartable()) this.#startAgain();
    }
  }

  #phase(): KeptChild["phase"] {
    if (this.#removing) return "removing";
    if (this.#run !== undefined) return "running";
    return this.#retry === undefined && this.#starting === undefined ? "exited" : "restarting";
  }
}

/** A process that has gone in the meantime is what was wanted. */
function kill(pid: number, signal: ChildSignal): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}
