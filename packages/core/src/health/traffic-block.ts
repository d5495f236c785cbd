import { durationMs, type Instant } from "../units/time.ts";
import type { Outcome } from "./outcome.ts";

/** Length of a block: typical bursts fit into one, so that a burst counts as one event (health-verdict §2.7). */
export const blockMs = durationMs(10_000);

/**
 * What users were answered at one binding in one block of ten seconds on one host; probes are not in it. Sent by agents once
 * the block is closed. Its identity is host, `site`, `binding`, `bindingPort`, `hop` and `startsAt`: the same block twice
 * counts once.
 */
export interface TrafficBlock {
  /** A multiple of `blockMs`, by the clock of the host. */
  readonly startsAt: Instant;
  readonly site: string;
  /** Host name of the binding. */
  readonly binding: string;
  readonly bindingPort: number;
  /** Which process counted: the front, or the site's own proxy. */
  readonly hop: "front" | "proxy";
  /** Requests by how they ended; absent: none. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Requests by latency bucket (`latencyBoundsMs`), trailing zeros cut; see `TrafficCounts.latency` of the proxy. */
  readonly latency: readonly number[];
}
