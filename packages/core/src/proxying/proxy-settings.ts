import type { DurationMs } from "../units/time.ts";

/** What a proxy runs on: `node` is embedded, `haproxy` has to be installed on the host. */
export type EngineName = "node" | "haproxy";

/**
 * What a site proxy is made of: its release. Total: two proxies with equal settings behave alike.
 * The live slot and the slots' addresses are not part of it; they are state (see `SlotTable`).
 */
export interface SiteProxySettings {
  readonly site: string;
  readonly engine: EngineName;
  /** Ports this site has for itself, bound by its proxy directly. */
  readonly listeners: readonly ProxyListener[];
  /** True when some binding lies on a shared port, so that the front reaches this proxy over its unix socket. */
  readonly behindFront: boolean;
  readonly bindings: readonly ProxyBinding[];
  readonly forward: { readonly host: "preserve" | "internal"; readonly internalName: string };
  readonly limits: ProxyLimits;
}

/** What the front of a host is made of: its release. */
export interface FrontSettings {
  readonly engine: EngineName;
  readonly listeners: readonly ProxyListener[];
  readonly routes: readonly FrontRoute[];
  readonly limits: ProxyLimits;
}

export interface ProxyListener {
  /** The port that bindings name. */
  readonly bindingPort: number;
  /** Where it is bound on this host. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface ProxyBinding {
  readonly name: string;
  readonly kind: "internal" | "public";
  readonly bindingPort: number;
  /** Present on TLS bindings. */
  readonly certificate?: { readonly name: string; readonly certFile: string; readonly keyFile: string };
}

export interface FrontRoute extends ProxyBinding {
  readonly site: string;
}

export interface ProxyLimits {
  readonly headersTimeoutMs: DurationMs;
  readonly keepAliveTimeoutMs: DurationMs;
  readonly requestTimeoutMs: DurationMs;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  /** Bound of the hold while no slot is live. */
  readonly holdMs: DurationMs;
  /** Bound on connecting to a slot, over all attempts. */
  readonly connectTimeoutMs: DurationMs;
  /** Silence in the middle of an exchange before it is given up: 504 when a slot owes the answer, 408 when a client owes its body. */
  readonly responseTimeoutMs: DurationMs;
}

export const defaultProxyLimits: ProxyLimits = {
  headersTimeoutMs: 10_000 as DurationMs,
  keepAliveTimeoutMs: 75_000 as DurationMs,
  requestTimeoutMs: 3_600_000 as DurationMs,
  headerBytesMax: 16_384,
  connectionsMax: 10_000,
  holdMs: 20_000 as DurationMs,
  connectTimeoutMs: 5_000 as DurationMs,
  responseTimeoutMs: 75_000 as DurationMs,
};

export type SlotName = "blue" | "green";

/** The other slot. */
export const otherSlot = (slot: SlotName): SlotName => (slot === "blue" ? "green" : "blue");

/** Where the slots are and which one gets requests; `hold` parks requests until a slot is live. */
export interface SlotTable {
  readonly live: SlotName | "hold";
  readonly blue?: SlotTarget;
  readonly green?: SlotTarget;
  /**
   * The host is being drained: the edge is told so under {@link readyPath}, and every answer is the last of its
   * connection. Requests are served as before. Without meaning while no slot is live.
   */
  readonly draining?: true;
}

/** Where a site proxy itself says whether an edge may send it requests; under any host name, on the site's own ports and through the front. */
export const readyPath = "/.well-known/sluice/ready";

export interface SlotTarget {
  readonly host: string;
  readonly port: number;
  /** Digest of the site release that runs there; echoed in traces and counters. */
  readonly release: string;
}
