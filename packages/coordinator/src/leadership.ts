import {
  coordinatorStartedEvent,
  fenceAdoptedEvent,
  judgeLead,
  type LeadVerdict,
  Problem,
  refusesToLeadEvent,
} from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { appendEvent } from "./store/event-log.ts";
import { readIntent, writeIntent } from "./store/intents.ts";
import { readFence, readFlag, writeFence, writeFlag } from "./store/meta.ts";
import type { Store } from "./store/store.ts";

/** What an agent remembers of the coordinators it obeyed. */
export interface AgentMemory {
  readonly host: string;
  readonly maxFence: number;
  readonly generation: number;
  readonly intentDigest: string;
}

export interface LeadershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The operator's explicit word that what the store has lost may stay lost. */
  readonly adoptFence: boolean;
  /** Told when it stops leading. */
  readonly onRefusal: () => void;
}

/**
 * Whether this coordinator may decide. Its fence grows with every start; a store that an agent has outlived (an old
 * backup, a copy) must not act, because it would undo what it does not know. It refuses until an operator starts it
 * with `--adopt-fence`, and remembers the refusal over restarts.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #fence: number;
  #refusal: string | undefined;
  readonly #met = new Set<string>();

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { store, clock, adoptFence } = options;
    const seen = Number(readFlag(store, "agents-fence") ?? 0);
    this.#refusal = adoptFence ? undefined : readFlag(store, "refusal");
    this.#fence = (adoptFence ? Math.max(readFence(store), seen) : readFence(store)) + 1;
    const adopted = adoptFence && readFlag(store, "refusal") !== undefined;
    store.transact((db) => {
      writeFence(db, this.#fence);
      appendEvent(db, coordinatorStartedEvent(this.#fence, clock.now()));
      if (!adopted) return;
      writeFlag(db, "refusal", undefined);
      writeFlag(db, "adopted-fence", String(this.#fence));
      appendEvent(db, fenceAdoptedEvent(this.#fence, clock.now()));
    });
  }

  get fence(): number {
    return this.#fence;
  }

  /** Why nothing is decided here; undefined while leading. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Throws `fence-behind` while this coordinator refuses to lead. */
  assertLeading(doing: string): void {
    if (this.#refusal === undefined) return;
    throw new Problem("fence-behind", `cannot ${doing}: ${this.#refusal}`, { hint: adoptHint });
  }

  /** Compares what an agent remembers with the store; an agent that is ahead ends this coordinator's lead. */
  meet(agent: AgentMemory): void {
    if (this.#refusal !== undefined) return;
    const { store } = this.#options;
    const verdict = this.#judge(agent);
    const adopted = agent.maxFence < Number(readFlag(store, "adopted-fence") ?? 0);
    if (verdict.kind !== "lead" && !adopted) {
      this.#refuse(verdict.sentence, agent);
      return;
    }
    if (verdict.kind === "lead") this.#noteFence(agent.host);
    else this.#catchUp(agent);
    this.#met.add(agent.host);
  }

  /**
   * Welcome is about to tell the host of our fence, so that it may remember it; a restored backup has forgotten that it
   * told it, and is known by that.
   */
  #noteFence(host: string): void {
    const { store } = this.#options;
    const known = readIntent(store, host);
    if (known === undefined || known.fence === this.#fence) return;
    store.transact((db) => writeIntent(db, { ...known, fence: this.#fence }));
  }

  /**
   * Whether the host's own word was compared with the store since the start. Before that it gets no new intent: a new
   * generation could hide that the store is behind.
   */
  hasMet(host: string): boolean {
    return this.#met.has(host);
  }

  #judge({ host, maxFence, generation, intentDigest }: AgentMemory): LeadVerdict {
    const known = readIntent(this.#options.store, host);
    // An agent that lost its copy knows only how far it was.
    const digest = intentDigest === "" && generation === known?.generation ? known.digest : intentDigest;
    return judgeLead({ fence: this.#fence, issued: known }, host, { maxFence, generation, digest });
  }

  /** Continues above the generations of an adopted host, so that it does not take our next intent for a stale one. */
  #catchUp(agent: AgentMemory): void {
    const known = readIntent(this.#options.store, agent.host);
    this.#options.store.transact((db) =>
      writeIntent(db, {
        host: agent.host,
        generation: agent.generation,
        fence: this.#fence,
        digest: "",
        body: known?.body ?? "",
      }),
    );
  }

  #refuse(seen: string, agent: AgentMemory): void {
    const { store, clock, log, onRefusal } = this.#options;
    const details = { agentFence: agent.maxFence, agentGeneration: agent.generation, fence: this.#fence };
    const event = refusesToLeadEvent(seen, agent.host, details, clock.now());
    this.#refusal = event.sentence;
    log.error({ host: agent.host, ...details, hint: adoptHint }, "coordinator.refuses-to-lead");
    store.transact((db) => {
      writeFlag(db, "refusal", event.sentence);
      writeFlag(db, "agents-fence", String(Math.max(agent.maxFence, Number(readFlag(db, "agents-fence") ?? 0))));
      appendEvent(db, event);
    });
    onRefusal();
  }
}

const adoptHint = "restore the newest backup, or start once with --adopt-fence to lead from this store as it is";
