import { writeFileDurably } from "@sluice/runtime/files/durable-file";
import { z } from "zod";
import { childExit, childSpec, socketSpec } from "./keeper-api.ts";

const keptRun = z.object({ pid: z.number(), stamp: z.string(), startedAt: z.number() });

/** What a keeper knows, for the one after it: on disk for after a crash, through a pipe (with `fd`) at a handover. */
export const keeperState = z.object({
  version: z.literal(1),
  keeper: z.object({ pid: z.number(), stamp: z.string() }),
  sockets: z.array(
    z.object({
      name: z.string(),
      spec: socketSpec,
      /** As bound: the kernel's choice where the order said port 0. */
      bound: socketSpec,
      /** Of a unix socket's file, so that only our own is ever removed. */
      inode: z.number().optional(),
      fd: z.number().optional(),
    }),
  ),
  children: z.array(
    z.object({
      id: z.string(),
      spec: childSpec,
      run: keptRun.nullable(),
      restarts: z.number(),
      lastExit: childExit.nullable(),
      removing: z.boolean(),
    }),
  ),
});
export type KeeperState = z.infer<typeof keeperState>;
export type SocketState = KeeperState["sockets"][number];
export type ChildState = KeeperState["children"][number];

/** Where the keeper's state is kept. */
export interface StateFile {
  /** Resolves when the text is safe; rejects with `disk-full` when there is no room, and the text before it is then intact. */
  replace(text: string): Promise<void>;
}

export const stateFileAt = (path: string): StateFile => ({ replace: (text) => writeFileDurably(path, text) });

/** Writes the newest state, one write at a time; calls that arrive during a write share the next one. */
export class StateStore {
  readonly #file: StateFile;
  readonly #current: () => KeeperState;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #written = "";
  /** Why the file is behind; undefined while it is up to date. */
  failure: unknown;

  constructor(file: StateFile, current: () => KeeperState) {
    this.#file = file;
    this.#current = current;
  }

  /** The text that the file has to hold; empty before the first write. */
  get written(): string {
    return this.#written;
  }

  /** Writes the present state, whatever is thought to be in the file already. */
  rewrite(): Promise<void> {
    this.#written = "";
    return this.save();
  }

  /** Resolves when a state at least as new as the present one is safe. */
  save(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#running = this.#write();
        return this.#running;
      });
    return this.#next;
  }

  /** For changes that have already happened: a full disk must not stop a restart. The next save makes good for it. */
  async saveIfPossible(): Promise<void> {
    await this.save().catch(() => undefined);
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.#current());
    if (text === this.#written) return;
    try {
      await this.#file.replace(text);
      this.#written = text;
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
