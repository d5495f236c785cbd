import { Problem } from "@sluice/core/problems/problem";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { durationMs, type Instant } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime/clock/clock";
import { sha256Text } from "@sluice/runtime/digests/sha256";
import { describeIssues } from "@sluice/runtime/files/read-document";
import type { Running } from "@sluice/runtime/running/running";
import { Child, type ChildHost } from "./child.ts";
import type {
  ChildSpec,
  KeeperEvent,
  KeeperProgram,
  KeeperStateFile,
  KeeperStatus,
  KeptChild,
  KeptSocket,
  SocketSpec,
} from "./keeper-api.ts";
import { childId, socketName } from "./keeper-api.ts";
import { type KeeperState, type StateFile, StateStore } from "./keeper-state.ts";
import { KeptSockets } from "./kept-sockets.ts";
import { stampOf } from "./process-stamp.ts";

/** How long the end of an adopted process may go unnoticed, at most twice this. */
const pollMs = durationMs(100);

export interface KeeperOptions {
  /** What this program calls itself. */
  readonly build: string;
  readonly program: KeeperProgram;
  readonly logsDir: string;
  readonly clock: Clock;
  readonly stateFile: StateFile;
  /** What an earlier keeper left behind. */
  readonly inheritance?: KeeperState;
  /** Unusual things found while starting, for the status. */
  readonly remarks?: readonly string[];
  readonly log: (event: string, fields: object) => void;
}

/** Owns the listening sockets and the child processes of a host. Everything it is asked for twice, it does once. */
export class Keeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  readonly #startedAt: Instant;
  readonly #sockets: KeptSockets;
  readonly #children = new Map<string, Child>();
  /** First starts under way, by child. */
  readonly #starts = new Map<string, Promise<KeptChild>>();
  readonly #store: StateStore;
  readonly #listeners = new Set<(event: KeeperEvent) => void>();
  readonly #host: ChildHost;
  #inCharge = false;
  readonly #firstCharge = Promise.withResolvers<void>();
  #polling: Running | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#sockets = new KeptSockets((name) => this.#holders(name));
    this.#store = new StateStore(options.stateFile, () => this.state());
    this.#host = {
      clock: options.clock,
      logsDir: options.logsDir,
      take: (sockets) => this.#sockets.take(sockets),
      happened: (event) => this.#happened(event),
      inCharge: () => this.#inCharge,
    };
    this.#sockets.adopt(options.inheritance?.sockets ?? []);
    for (const state of options.inheritance?.children ?? []) {
      if (state.run !== null || state.lastExit !== null) this.#children.set(state.id, Child.adopt(this.#host, state));
    }
  }

  /** Begins to restart what has ended and to carry out orders; until then, and after {@link stepBack}, another keeper does that. */
  async takeCharge(): Promise<void> {
    this.#inCharge = true;
    this.#firstCharge.resolve();
    this.#tick();
    this.#polling ??= this.#options.clock.every(pollMs, () => this.#tick());
    for (const socket of this.#sockets.list()) if (socket.orphaned) await this.#rebind(socket);
    await this.#store.saveIfPossible();
  }

  /** Resolves once the predecessor, if there is one, has gone; throws when a successor is coming. */
  async whenInCharge(): Promise<void> {
    await this.#firstCharge.promise;
    this.#assertInCharge();
  }

  /** Stops deciding, so that a successor can; resolves when nothing is being started any more. */
  async stepBack(): Promise<void> {
    this.#inCharge = false;
    await this.#polling?.[Symbol.asyncDispose]();
    this.#polling = undefined;
    for (const child of this.#children.values()) child.holdRestart();
    for (const child of this.#children.values()) await child.settled();
    await this.#sockets.settled();
    await this.#store.saveIfPossible();
  }

  status(): KeeperStatus {
    const { build, program, remarks = [] } = this.#options;
    const behind = this.#store.failure === undefined ? [] : [`state is not saved: ${String(this.#store.failure)}`];
    return {
      build,
      program,
      pid: process.pid,
      startedAt: this.#startedAt,
      sockets: [...this.#sockets.list()],
      children: [...this.#children.values()].map((child) => child.view()),
      remarks: [...remarks, ...behind],
    };
  }

  state(): KeeperState {
    return {
      version: 1,
      keeper: { pid: process.pid, stamp: stampOf(process.pid) ?? "" },
      sockets: [...this.#sockets.states()],
      children: [...this.#children.values()].map((child) => child.state()),
    };
  }

  /** What its state file has to hold, as a digest; without one nothing was written yet. */
  stateFile(): KeeperStateFile {
    const { written } = this.#store;
    return written === "" ? {} : { digest: sha256Text(written) };
  }

  /** Writes its state file anew. Rejects with `disk-full`. */
  async rewriteState(): Promise<void> {
    await this.whenInCharge();
    await this.#store.rewrite();
  }

  /** The fd of every socket that can be handed on. */
  fds(): readonly { readonly name: string; readonly fd: number }[] {
    return this.#sockets.fds();
  }

  async ensureSocket(name: string, spec: SocketSpec): Promise<KeptSocket> {
    await this.whenInCharge();
    assertName(socketName, "socket", name);
    const known = this.#sockets.has(name);
    const socket = await this.#sockets.ensure(name, spec);
    await this.#saveOr(() => known || this.#sockets.close(name));
    return socket;
  }

  async closeSocket(name: string): Promise<void> {
    await this.whenInCharge();
    this.#sockets.close(name);
    await this.#store.saveIfPossible();
  }

  async ensureChild(id: string, spec: ChildSpec): Promise<KeptChild> {
    await this.whenInCharge();
    assertName(childId, "child", id);
    const known = this.#children.get(id);
    if (known !== undefined) return this.#sameChild(known, spec);
    const start = this.#firstStart(id, spec).finally(() => this.#starts.delete(id));
    this.#starts.set(id, start);
    return start;
  }

  child(id: string): Child {
    const child = this.#children.get(id);
    if (child === undefined) throw new Problem("child-unknown", `there is no child '${id}'`);
    return child;
  }

  /** Stops and forgets it; resolves when it is gone. */
  async removeChild(id: string, graceMs: number): Promise<void> {
    await this.whenInCharge();
    const child = this.#children.get(id);
    if (child === undefined) return;
    child.markRemoving();
    await this.#store.saveIfPossible();
    await this.#starts.get(id)?.catch(() => undefined);
    await child.stop(graceMs);
    if (this.#children.get(id) === child) this.#children.delete(id);
    await this.#store.saveIfPossible();
  }

  /** Calls `listener` with every event from now on; the answer ends that. */
  subscribe(listener: (event: KeeperEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stepBack();
  }

  async #sameChild(known: Child, spec: ChildSpec): Promise<KeptChild> {
    if (known.removing) throw new Problem("child-conflict", `cannot start child '${known.id}': it is being removed`);
    if (canonicalJson(known.spec) !== canonicalJson(spec)) {
      throw new Problem(
        "child-conflict",
        `cannot start child '${known.id}': it exists with another command, environment or sockets`,
      );
    }
    return this.#starts.get(known.id) ?? known.view();
  }

  /** Remembered before it is started: a process that no later keeper knows of would run for ever. */
  async #firstStart(id: string, spec: ChildSpec): Promise<KeptChild> {
    const child = new Child(this.#host, id, spec);
    this.#children.set(id, child);
    try {
      await this.#store.save();
      this.#assertInCharge();
      await child.start();
    } catch (error) {
      this.#children.delete(id);
      await this.#store.saveIfPossible();
      throw error;
    }
    await this.#store.saveIfPossible();
    return child.view();
  }

  #tick(): void {
    for (const [id, child] of this.#children) {
      child.tick();
      if (child.removing && !child.running) this.#children.delete(id);
    }
  }

  #holders(name: string): readonly string[] {
    return [...this.#children.values()]
      .filter((child) => child.running && child.spec.sockets.includes(name))
      .map(({ id }) => id);
  }

  async #rebind(socket: KeptSocket): Promise<void> {
    const spec: SocketSpec =
      socket.kind === "tcp"
        ? { kind: "tcp", address: socket.address, port: socket.port }
        : { kind: "unix", path: socket.path };
    await this.#sockets.ensure(socket.name, spec).catch((error: unknown) => {
      this.#options.log("keeper.socket-not-bound-again", { socket: socket.name, why: String(error) });
    });
  }

  #happened(event: KeeperEvent): void {
    const { kind, ...fields } = event;
    this.#options.log(`keeper.${kind}`, fields);
    for (const listener of this.#listeners) listener(event);
    void this.#store.saveIfPossible();
  }

  /** An order that can't be remembered is undone and refused: it would be forgotten by the next keeper. */
  async #saveOr(undo: () => unknown): Promise<void> {
    try {
      await this.#store.save();
    } catch (error) {
      undo();
      throw error;
    }
  }

  #assertInCharge(): void {
    if (!this.#inCharge)
      throw new Problem("keeper-unreachable", "the keeper is handing over to its successor; ask again");
  }
}

function assertName(schema: typeof childId, kind: string, name: string): void {
  const parsed = schema.safeParse(name);
  if (!parsed.success) {
    throw new Problem(
      "message-invalid",
      `cannot use '${name}' as the name of a ${kind}: ${describeIssues(parsed.error.issues)}`,
    );
  }
}
