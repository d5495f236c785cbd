import type { Ledger } from "@sluice/agent/ledger/ledger";
import type { Intent } from "@sluice/core";

/** What there is no room for. Documents have different sizes, and others fill and free the disk as well. */
export type Full = "everything" | "ledger" | "intent" | "releases" | "nothing";

/** A document could not be written; what was there before is there. */
export class DiskFull extends Error {}

/** What an agent keeps, which survives crashes and reboots: each write replaces a whole document, or nothing. */
export class SimDisk {
  /** In memory as they are on disk, never ahead of it. */
  ledger: Ledger;
  intent: Intent | undefined;
  full: Full = "nothing";
  /** What a faulty agent, which went on without having written it, finds when it starts again. */
  #left: { readonly ledger: Ledger; readonly intent: Intent | undefined } | undefined;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  hasRoomFor(what: "ledger" | "intent" | "releases"): boolean {
    return this.full !== "everything" && this.full !== what;
  }

  putLedger(ledger: Ledger): void {
    if (!this.hasRoomFor("ledger")) throw new DiskFull();
    this.ledger = ledger;
    this.#left = undefined;
  }

  putIntent(intent: Intent): void {
    if (!this.hasRoomFor("intent")) throw new DiskFull();
    this.intent = intent;
  }

  /** As an agent would do that takes what it could not write for written. */
  pretend(ledger: Ledger): void {
    this.#left ??= { ledger: this.ledger, intent: this.intent };
    this.ledger = ledger;
  }

  /** An agent starts, and has what is really there. */
  readAgain(): void {
    if (this.#left === undefined) return;
    this.ledger = this.#left.ledger;
    this.intent = this.#left.intent;
    this.#left = undefined;
  }
}
