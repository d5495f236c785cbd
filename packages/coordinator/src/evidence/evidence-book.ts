import { type EvidenceLog, type Instant, instant, type ProbeAnswer, type ProbeResult, withBatch } from "@sluice/core";
import { fromWireProbeResult } from "@sluice/protocol";
import type { ProbeBatch } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import { type EvidenceCursor, readEvidence, readEvidenceCursor, writeEvidenceCursor } from "../store/evidence.ts";
import { forgetAllBefore, forgetBefore, type RowRange } from "../store/evidence-rows.ts";
import { addRounds, isOfRound, readRounds } from "../store/probe-rounds.ts";
import type { Store } from "../store/store.ts";
import { historyMs } from "./history.ts";

/** What the probes of all hosts said. Counted once whatever is sent twice, and on disk before it is acknowledged. */
export class EvidenceBook {
  readonly #store: Store;
  readonly #clock: Clock;
  #log: EvidenceLog;
  /** Newest round by `host|site`. */
  readonly #newest = new Map<string, Instant>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#forgetOld();
    this.#log = readEvidence(store, clock.now());
  }

  get log(): EvidenceLog {
    return this.#log;
  }

  /**
   * Counts a batch unless it was counted before. It changes verdicts only once it is on disk. Answers with what is new; nothing
   * when it was counted before.
   */
  count(host: string, batch: ProbeBatch): readonly ProbeResult[] {
    const known = readEvidenceCursor(this.#store, host);
    if (known?.epoch === batch.epoch && batch.seq <= known.seq) return [];
    const epochBegan = this.#epochBegan(known, batch.epoch);
    const results = batch.results.map(fromWireProbeResult).filter((result) => result.host === host);
    const next = withBatch(this.#log, {
      host,
      epoch: epochBegan,
      seq: batch.seq,
      heardAt: this.#clock.now(),
      results,
    });
    const ofRounds = results.filter(isOfRound);
    this.#store.transact((db) => {
      addRounds(db, host, ofRounds);
      forgetBefore(db, "probe_rounds", host, ofRounds, this.#oldest());
      writeEvidenceCursor(db, host, { epoch: batch.epoch, epochBegan, seq: batch.seq });
    });
    this.#log = next;
    for (const { site, round } of ofRounds) this.#newest.set(`${host}|${site}`, round);
    return results;
  }

  /** Answers of one host about these sites in the range of rounds, site by site, oldest first. */
  rounds(range: RowRange, sites: readonly string[]): readonly ProbeAnswer[] {
    return sites.flatMap((site) => readRounds(this.#store, range, site));
  }

  /** The newest round of a site that is in from this host since the coordinator's start. */
  newestRound(host: string, site: string): Instant | undefined {
    return this.#newest.get(`${host}|${site}`);
  }

  /** A new epoch comes after every one before it, whatever the clocks say. */
  #epochBegan(known: EvidenceCursor | undefined, epoch: string): Instant {
    if (known?.epoch === epoch) return known.epochBegan;
    return instant(Math.max(this.#clock.now(), (known?.epochBegan ?? 0) + 1));
  }

  #oldest(): Instant {
    return instant(this.#clock.now() - historyMs);
  }

  /** Hosts and sites that are gone come in no batch that would make their rows go. */
  #forgetOld(): void {
    this.#store.transact((db) => forgetAllBefore(db, "probe_rounds", this.#oldest()));
  }
}
