import { type Instant, instant, minutes, type TrafficBlock } from "@sluice/core";
import { fromWireTraffic } from "@sluice/protocol";
import type { TrafficBatch } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { type BatchCursor, nextCursor, readCursor, writeCursor } from "../store/batch-cursors.ts";
import { forgetAllBefore, forgetBefore, newestMoment, type RowRange } from "../store/evidence-rows.ts";
import type { Store } from "../store/store.ts";
import { addTraffic, readTraffic } from "../store/traffic.ts";
import { historyMs } from "./history.ts";

const lately = minutes(60);

/** What users were answered on all hosts during the last day. Counted once whatever is sent twice, on disk before it is acknowledged. */
export class TrafficBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Start of the newest block of each host. */
  readonly #newest = new Map<string, Instant>();

  constructor({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#forgetOld();
  }

  /** Counts a batch unless it was counted before. */
  count(host: string, batch: TrafficBatch): void {
    const known = readCursor(this.#store, "traffic_cursors", host);
    if (known?.epoch === batch.epoch && batch.seq <= known.seq) return;
    const blocks = fromWireTraffic(batch.series);
    this.#store.transact((db) => {
      addTraffic(db, host, blocks);
      forgetBefore(db, "traffic_blocks", host, blocks, this.#oldest());
      writeCursor(db, "traffic_cursors", host, nextCursor(known, batch, this.#clock.now()));
    });
    this.#newest.set(host, newestOf(blocks, this.#newest.get(host)));
    if (batch.dropped > 0) this.#log.warn({ host, blocks: batch.dropped }, "traffic.blocks-lost");
  }

  /** Blocks of these sites on one host that start in the range, site by site, oldest first; also those without a request. */
  blocks(range: RowRange, sites: readonly string[]): readonly TrafficBlock[] {
    return sites.flatMap((site) => readTraffic(this.#store, range, site));
  }

  /** Requests that came to these sites on one host in the last hour. */
  requestsOn(host: string, sites: readonly string[]): number {
    const now = this.#clock.now();
    const blocks = this.blocks({ host, from: instant(now - lately), until: now }, sites);
    return blocks.flatMap(({ outcomes }) => Object.values(outcomes)).reduce((sum, count) => sum + count, 0);
  }

  /** Start of the newest block that is in from this host; undefined: nothing of it is known. */
  newestBlock(host: string): Instant | undefined {
    const known = this.#newest.get(host) ?? newestMoment(this.#store, "traffic_blocks", host);
    if (known !== undefined) this.#newest.set(host, known);
    return known;
  }

  /** Blocks that agents of this host could not send, and since when that is counted. */
  dropped(host: string): Pick<BatchCursor, "dropped" | "droppedSince"> {
    return readCursor(this.#store, "traffic_cursors", host) ?? { dropped: 0 };
  }

  #oldest(): Instant {
    return instant(this.#clock.now() - historyMs);
  }

  /** Hosts and sites that are gone come in no batch that would make their rows go. */
  #forgetOld(): void {
    this.#store.transact((db) => forgetAllBefore(db, "traffic_blocks", this.#oldest()));
  }
}

const newestOf = (blocks: readonly TrafficBlock[], known = instant(0)): Instant =>
  instant(blocks.reduce((newest, { startsAt }) => Math.max(newest, startsAt), Number(known)));
