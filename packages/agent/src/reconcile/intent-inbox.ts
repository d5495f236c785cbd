import type { Intent } from "@sluice/core";
import { judgeIntent } from "@sluice/core/intent/judge-intent";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { HostMemory } from "../ledger/host-memory.ts";
import { describeVerdict, type Judgement } from "./judgement.ts";
import { absorbIntent, catchUp } from "./settle-ledger.ts";
import { sentenceOf, type Troubles } from "./troubles.ts";

export interface InboxPorts {
  readonly host: string;
  readonly memory: HostMemory;
  readonly log: Log;
  readonly troubles: Troubles;
  readonly onTaken: () => void;
  /** It is tried again when asked to ({@link IntentInbox.takeOwed}). */
  readonly onRefused: () => void;
}

/** Judges intents and keeps those that are to be obeyed: on disk first, then in the ledger. */
export class IntentInbox {
  readonly #ports: InboxPorts;
  #heard = false;
  #turn: Promise<unknown> = Promise.resolve();
  /** To be obeyed, but there was no room to keep it. */
  #owed: Intent | undefined;

  constructor(ports: InboxPorts) {
    this.#ports = ports;
  }

  /** True when the agent's own copy is lost and it wants the newest again, even if it is the one obeyed last. */
  get wantsIntent(): boolean {
    const { memory } = this.#ports;
    return memory.intent === undefined || (memory.ledgerLost && !this.#heard);
  }

  /** False while nobody but a file of unknown age says what is granted. */
  get obeysGrants(): boolean {
    return !this.#ports.memory.ledgerLost || this.#heard;
  }

  /** An intent that was kept just before the last agent ended is taken into the ledger now; where there is no room, as soon as there is. */
  async catchUp(): Promise<void> {
    const { memory } = this.#ports;
    const { intent, ledgerLost } = memory;
    if (intent === undefined || ledgerLost) return;
    try {
      await memory.update((so) => catchUp(so, intent));
    } catch (error) {
      this.#owed = intent;
      throw error;
    }
  }

  /**
   * Resolves when the intent is on disk, or refused. One after another: each is judged by what the one before has left, so that one that
   * a session which is over still brings never comes to lie on a newer one.
   */
  take(intent: Intent): Promise<Judgement> {
    const mine = this.#turn.then(() => this.#takeNow(intent));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #takeNow(intent: Intent): Promise<Judgement> {
    const { memory, log, host } = this.#ports;
    const { generation } = intent;
    if (intent.host !== host) {
      const sentence = `intent ${generation} is for host '${intent.host}', this is '${host}'`;
      return { generation, verdict: "unreadable", sentence };
    }
    const { ledger } = memory;
    const verdict = judgeIntent(ledger.memory.generation === 0 ? undefined : ledger.memory, intent);
    const isNew = verdict.kind === "apply" || (verdict.kind === "already-applied" && this.wantsIntent);
    const raises = verdict.kind === "already-applied" && intent.fence > ledger.memory.maxFence;
    try {
      if (isNew || raises) await this.#keep(intent);
    } catch (error) {
      return this.#refuse(intent, error);
    }
    if (verdict.kind !== "already-applied") log.info({ generation, verdict: verdict.kind }, "intent.judged");
    return { generation, verdict: verdict.kind, sentence: describeVerdict(verdict, intent) };
  }

  /** Takes what could not be kept before, if anything: there may be room again. */
  async takeOwed(): Promise<void> {
    if (this.#owed !== undefined) await this.take(this.#owed);
  }

  async #keep(intent: Intent): Promise<void> {
    const { memory, troubles, onTaken } = this.#ports;
    const before = memory.intent;
    await memory.putIntent(intent);
    await memory.update((ledger) => absorbIntent(ledger, before, intent));
    this.#heard = true;
    this.#owed = undefined;
    troubles.over("intent");
    onTaken();
  }

  #refuse(intent: Intent, error: unknown): Judgement {
    const { generation } = intent;
    const sentence = `cannot keep intent ${generation}: ${sentenceOf(error)}; not obeyed, traffic stays as it is`;
    this.#owed = intent;
    this.#ports.troubles.note("intent", sentence);
    this.#ports.onRefused();
    return { generation, verdict: "unreadable", sentence };
  }
}
