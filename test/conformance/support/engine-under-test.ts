import type { ProxyBinding, ProxyLimits, SlotTable } from "@sluice/core/proxying/proxy-settings";
import type { DrainOrder, ProxyStatus } from "@sluice/proxy/control/control-messages";
import type { ProxyCounts } from "@sluice/proxy/counting/proxy-counters";

/** How users reach a site: over ports of its own, or over ports that the front shares among sites. */
export type Shape = "own-port" | "shared-port";

/** One way of proxying that has to behave like every other. Driven from outside only: processes, sockets, files. */
export interface EngineUnderTest {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** Resolves when clients are served. */
  startSite(shape: Shape, wanted: WantedSite): Promise<SiteUnderTest>;
}

export interface WantedSite {
  readonly slots: SlotTable;
  /** `app.test` on binding port 80 unless given. */
  readonly bindings?: readonly ProxyBinding[];
  readonly forward?: { readonly host: "preserve" | "internal"; readonly internalName: string };
  /** Where they differ from the defaults; hold in every process on the way. */
  readonly limits?: Partial<Record<keyof ProxyLimits, number>>;
  /** Where clients connect; 127.0.0.1 unless given. */
  readonly address?: "127.0.0.1" | "::1";
}

/** The processes on the way of a request, clients first. */
export type Part = "front" | "site-proxy";

/** A site that is served, and what the agent and the keeper can do to it. */
export interface SiteUnderTest extends AsyncDisposable {
  readonly parts: readonly Part[];
  /** Where clients reach binding port 80 in the clear. */
  readonly port: number;
  /** Where clients reach binding port 443 over TLS; there when a binding has that port. */
  readonly securePort: number;
  readonly probeToken: string;
  /** Takes connections that begin with a PROXY protocol v2 header whose destination port is the binding port. */
  probeSocket(part: Part): string;
  /** The next request uses the table when it resolves. */
  put(slots: SlotTable): Promise<void>;
  status(part?: Part): Promise<ProxyStatus>;
  counters(part?: Part): Promise<ProxyCounts>;
  /** Starts a successor, lets it accept, then begins to drain the predecessor, whose end (exit code) it gives. */
  replace(part: Part, order: DrainOrder): Promise<{ readonly ended: Promise<number | null> }>;
  /** Begins to drain the only process of a part; gives its end. */
  drain(part: Part, order: DrainOrder): Promise<{ readonly ended: Promise<number | null> }>;
  /** Kills a process with SIGKILL, does `meanwhile`, and starts the same again, as a keeper does. */
  crash(part: Part, meanwhile?: (dir: string) => Promise<void>): Promise<void>;
  accept(part: Part): Promise<void>;
  /** Memory of all processes, in bytes. */
  residentBytes(): Promise<number>;
}
