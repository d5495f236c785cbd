import { type EvidenceLog, type Instant, instant, withBatch } from "@sluice/core";
import { fromWireProbeResult } from "@sluice/protocol";
import type { ProbeBatch } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import {
  type EvidenceCursor,
  readEvidence,
  readEvidenceCursor,
  writeEvidenceCursor,
  writeSeries,
} from "../store/evidence.ts";
import type { Store } from "../store/store.ts";

/** What the probes of all hosts said. Counted once whatever is sent twice, and on disk before it is acknowledged. */
export class EvidenceBook {
  readonly #store: Store;
  readonly #clock: Clock;
  #log: EvidenceLog;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#log = readEvidence(store);
  }

  get log(): EvidenceLog {
    return this.#log;
  }

  /** Counts a batch unless it was counted before. It changes verdicts only once it is on disk. */
  count(host: string, batch: ProbeBatch): void {
    const known = readEvidenceCursor(this.#store, host);
    if (known?.epoch === batch.epoch && batch.seq <= known.seq) return;
    const epochBegan = this.#epochBegan(known, batch.epoch);
    const results = batch.results.map(fromWireProbeResult).filter((result) => result.host === host);
    const next = withBatch(this.#log, {
      host,
      epoch: epochBegan,
      seq: batch.seq,
      heardAt: this.#clock.now(),
      results,
    });
    this.#store.transact((db) => {
      for (const [key, series] of Object.entries(next.series)) {
        const before = this.#log.series[key];
        if (before !== series) writeSeries(db, key, series, before);
      }
      writeEvidenceCursor(db, host, { epoch: batch.epoch, epochBegan, seq: batch.seq });
    });
    this.#log = next;
  }

  /** A new epoch comes after every one before it, whatever the clocks say. */
  #epochBegan(known: EvidenceCursor | undefined, epoch: string): Instant {
    if (known?.epoch === epoch) return known.epochBegan;
    return instant(Math.max(this.#clock.now(), (known?.epochBegan ?? 0) + 1));
  }
}
