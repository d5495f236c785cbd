import type { SlotName, SlotTable } from "@sluice/core/proxying/proxy-settings";

/** How long a control socket keeps the connection of somebody who asks nothing, in milliseconds; agents ask far more often. */
export const keptMs = 60_000;

/** The answer to `GET /status`: what the process itself knows, never what is on disk. */
export interface ProxyStatus {
  readonly kind: "site-proxy" | "front";
  readonly build: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly settingsDigest: string;
  /** The inherited sockets are listened on. */
  readonly accepting: boolean;
  readonly draining: boolean;
  /** Of a front always `hold`: it has no slots. */
  readonly slots: SlotTable;
  /** Requests under way by slot, tunnels not included. */
  readonly inFlight: Readonly<Record<SlotName, number>>;
  /** Open tunnels (websockets) by slot. */
  readonly upgrades: Readonly<Record<SlotName, number>>;
  /** Client connections, idle ones included. */
  readonly connections: number;
  /** Requests held because no slot is live. */
  readonly held: number;
  /** Sentences about what is wrong or unusual. */
  readonly remarks: readonly string[];
}

/** The body of `POST /drain`. */
export interface DrainOrder {
  /** A connection idle for this long is closed; until then its client may still send a request on it. */
  readonly graceMs: number;
  /** After this long everything left is cut, tunnels too. */
  readonly limitMs: number;
}

/** The body of every answer that is not 200. */
export interface ControlRefusal {
  readonly reason: string;
  readonly message: string;
  readonly hint?: string;
}
