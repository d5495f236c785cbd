import type { Instant } from "../units/time.ts";

/** `slot` agent → slot, `proxy` agent → site proxy, `front` agent → front, `edge` through the public way in. */
export type Hop = "slot" | "proxy" | "front" | "edge";

/** One request asked of one binding on one hop, and how it was answered. */
export interface ProbeResult {
  readonly host: string;
  readonly site: string;
  readonly binding: string;
  /** The port users address; absent from agents that do not say. */
  readonly bindingPort?: number;
  readonly hop: Hop;
  /** `GET /healthz` */
  readonly probe: string;
  readonly at: Instant;
  /** The round it was asked in, by the coordinator's clock: the same on every host. Absent: asked between two rounds. */
  readonly round?: Instant;
  readonly tookMs: number;
  readonly outcome: ProbeOutcome;
  /** Digest of the site release that answered, when the answer said so. */
  readonly release?: string;
}

export type ProbeOutcome =
  | { readonly kind: "good"; readonly status: number }
  /** Answered, but not as expected; the reason names status and expectation. */
  | { readonly kind: "bad"; readonly status?: number; readonly reason: string }
  /** The question could not be asked of this host (edge led elsewhere, prober gave up): says nothing about it. */
  | { readonly kind: "unknown"; readonly reason: string };
