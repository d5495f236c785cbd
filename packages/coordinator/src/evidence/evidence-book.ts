import { type Instant, instant, type ProbeAnswer, type ProbeResult } from "@sluice/core";
import type { ProbedWay } from "@sluice/core/gates/monitoring";
import { fromWireProbeResult } from "@sluice/protocol";
import type { ProbeBatch } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { type BatchCursor, nextCursor, readCursor, writeCursor } from "../store/batch-cursors.ts";
import { forgetAllBefore, forgetBefore, newestMoment, type RowRange } from "../store/evidence-rows.ts";
import { addRounds, isOfRound, readRounds } from "../store/probe-rounds.ts";
import type { Store } from "../store/store.ts";
import { historyMs } from "./history.ts";

/** How far back it looks for the last word of a way after a start: enough to say since when it is silent. */
const lookUpMs = 3_600_000;

/** What the probes of all hosts said. Counted once whatever is sent twice, and on disk before it is acknowledged. */
export class EvidenceBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Newest round by `host|site`. */
  readonly #newest = new Map<string, Instant>();
  /** When a way of a host was last answered well or badly, by `host|site|binding|hop`. */
  readonly #heardAt = new Map<string, Instant>();
  /** `host|site` of which the rounds before the coordinator's start were looked up. */
  readonly #lookedUp = new Set<string>();

  constructor({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#forgetOld();
  }

  /**
   * Counts a batch unless it was counted before. It changes verdicts only once it is on disk. Answers with what is new; nothing
   * when it was counted before.
   */
  count(host: string, batch: ProbeBatch): readonly ProbeResult[] {
    const known = readCursor(this.#store, "probe_cursors", host);
    if (known?.epoch === batch.epoch && batch.seq <= known.seq) return [];
    const results = batch.results.map(fromWireProbeResult).filter((result) => result.host === host);
    const ofRounds = results.filter(isOfRound);
    this.#store.transact((db) => {
      addRounds(db, host, ofRounds);
      forgetBefore(db, "probe_rounds", host, ofRounds, this.#oldest());
      writeCursor(db, "probe_cursors", host, nextCursor(known, batch, this.#clock.now()));
    });
    this.#hear(host, results, this.#clock.now());
    for (const { site, round } of ofRounds) this.#newest.set(`${host}|${site}`, round);
    if (batch.dropped > 0) this.#log.warn({ host, results: batch.dropped }, "probes.results-lost");
    return results;
  }

  /** Results that agents of this host could not send, and since when that is counted. */
  dropped(host: string): Pick<BatchCursor, "dropped" | "droppedSince"> {
    return readCursor(this.#store, "probe_cursors", host) ?? { dropped: 0 };
  }

  /** Answers of one host about these sites in the range of rounds, site by site, oldest first. */
  rounds(range: RowRange, sites: readonly string[]): readonly ProbeAnswer[] {
    return sites.flatMap((site) => readRounds(this.#store, range, site));
  }

  /**
   * When a probe on this way last said anything about the host, by our clock: what the coordinator heard itself, or the round
   * as far as the last hour before its start. An answer that could not be had says nothing.
   */
  heardAt(host: string, way: ProbedWay): Instant | undefined {
    const place = `${host}|${way.site}`;
    if (!this.#lookedUp.has(place)) {
      this.#lookedUp.add(place);
      const now = this.#clock.now();
      const rounds = readRounds(this.#store, { host, from: instant(now - lookUpMs), until: now }, way.site);
      for (const { stratum, round, outcome } of rounds) this.#hear(host, [{ ...stratum, outcome }], round);
    }
    return this.#heardAt.get(`${place}|${way.binding}|${way.hop}`);
  }

  /** The newest round of a site that is in from this host; undefined: nothing of it is known. */
  newestRound(host: string, site: string): Instant | undefined {
    const key = `${host}|${site}`;
    const known = this.#newest.get(key) ?? newestMoment(this.#store, "probe_rounds", host, site);
    if (known !== undefined) this.#newest.set(key, known);
    return known;
  }

  #hear(host: string, answers: readonly (ProbedWay & Pick<ProbeResult, "outcome">)[], at: Instant): void {
    for (const { site, binding, hop, outcome } of answers) {
      const key = [host, site, binding, hop].join("|");
      if (outcome.kind !== "unknown" && at > (this.#heardAt.get(key) ?? 0)) this.#heardAt.set(key, at);
    }
  }

  #oldest(): Instant {
    return instant(this.#clock.now() - historyMs);
  }

  /** Hosts and sites that are gone come in no batch that would make their rows go. */
  #forgetOld(): void {
    this.#store.transact((db) => forgetAllBefore(db, "probe_rounds", this.#oldest()));
  }
}
