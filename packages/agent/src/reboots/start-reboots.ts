import type { BootSeen, RebootOrder } from "@sluice/core";
import type { Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { RebootEntry, RebootJournal } from "./reboot-journal.ts";

export interface RebootsOptions {
  readonly journal: RebootJournal;
  /** Undefined where the system does not tell: then the host says nothing of its boot, and is never told to reboot. */
  readonly bootId: string | undefined;
  /** Runs the host's reboot command; a sentence when that failed. Absent: the agent was told none. */
  readonly reboot?: (() => Promise<string | undefined>) | undefined;
  /** What the newest intent says. */
  readonly order: () => RebootOrder | undefined;
  /** False while the agent is not in touch with its coordinator, which may have taken the order back: then none is begun. */
  readonly isInTouch: () => boolean;
  readonly log: Log;
  readonly onChanged: () => void;
}

export interface Reboots extends Running {
  /** The same object as long as it says the same. */
  readonly seen: BootSeen | undefined;
  /** The intent may have changed. */
  wake(): void;
}

/**
 * Reboots the host when its intent says so: each order once, noted on disk before. An order that an earlier agent of the same boot
 * has begun is `interrupted`: whether the host is about to go down is not guessed, and another start of the machine tells.
 */
export async function startReboots(options: RebootsOptions): Promise<Reboots> {
  const { journal, bootId } = options;
  const { newest } = journal;
  if (newest !== undefined && newest !== "lost" && newest.end === undefined && newest.bootId === bootId) {
    await journal.write({ ...newest, end: interrupted });
  }
  return new RebootLoop(options);
}

const interrupted = {
  state: "interrupted",
  sentence: "its agent ended after it had started the reboot command, and nobody can tell what became of that",
} as const;

const lost = {
  state: "interrupted",
  sentence: "what its agent noted about reboots can't be read, so that nobody can tell whether this one was begun",
} as const;

const tooLate = {
  state: "failed",
  sentence: "its coordinator took the order back before the reboot command was started",
} as const;

const unable = {
  state: "failed",
  sentence: "its agent was told no reboot command: sluice agent run --reboot-command",
} as const;

class RebootLoop implements Reboots {
  readonly done: Promise<void>;
  readonly #options: RebootsOptions;
  readonly #ended = Promise.withResolvers<void>();
  #working: Promise<void> | undefined;
  #seen: { readonly by: RebootJournal["newest"]; readonly boot: BootSeen } | undefined;

  constructor(options: RebootsOptions) {
    this.#options = options;
    this.done = this.#ended.promise;
    this.done.catch(() => undefined);
  }

  get seen(): BootSeen | undefined {
    const { journal, bootId, reboot } = this.#options;
    if (bootId === undefined) return undefined;
    const { newest } = journal;
    if (this.#seen === undefined || this.#seen.by !== newest) {
      const order = newest === undefined || newest === "lost" ? {} : { order: wordOn(newest) };
      this.#seen = { by: newest, boot: { id: bootId, canReboot: reboot !== undefined, ...order } };
    }
    return this.#seen.boot;
  }

  wake(): void {
    const { bootId, journal, log } = this.#options;
    const order = this.#options.isInTouch() ? this.#options.order() : undefined;
    if (order === undefined || this.#working !== undefined || order.bootId !== bootId) return;
    if (journal.newest !== undefined && journal.newest !== "lost" && journal.newest.id === order.id) return;
    this.#working = this.#obey(order)
      .catch((err) => log.error({ err, order: order.id }, "reboot.not-noted"))
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** What can't be noted is not begun: the next look tries again. */
  async #obey({ id, bootId }: RebootOrder): Promise<void> {
    const { journal, reboot, log, order, onChanged } = this.#options;
    const entry = { version: 1, id, bootId } as const;
    if (journal.newest === "lost" || reboot === undefined) {
      await journal.write({ ...entry, end: journal.newest === "lost" ? lost : unable });
      onChanged();
      return;
    }
    await journal.write(entry);
    // From here on every observation tells of it. Who took the order back before, and saw no trace of it, lets users come again.
    if (order()?.id !== id) {
      await journal.write({ ...entry, end: tooLate });
      onChanged();
      return;
    }
    log.warn({ order: id }, "reboot.begun");
    onChanged();
    const failure = await reboot();
    if (failure === undefined) return;
    log.error({ order: id, sentence: failure }, "reboot.failed");
    await journal.write({ ...entry, end: { state: "failed", sentence: failure } });
    onChanged();
  }

  /** The command goes on without us. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.resolve();
  }
}

const wordOn = ({ id, end }: RebootEntry): NonNullable<BootSeen["order"]> =>
  end === undefined ? { id, state: "begun", sentence: "its reboot command was started" } : { id, ...end };
