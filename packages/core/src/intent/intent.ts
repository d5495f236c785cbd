import type { Forward, Probe, Ready, Run } from "../fleet/fleet.ts";
import type { FrontSettings, SiteProxySettings } from "../proxying/proxy-settings.ts";
import type { RebootOrder } from "../reboots/reboot-order.ts";
import type { DurationMs, Instant } from "../units/time.ts";

/** A program of Sluice's own that looks after a host: the agent, and the keeper of its sockets and processes. */
export type ProgramUnit = "agent" | "keeper";

/** `site:<name>` a site release, `proxy:<site>` its proxy, `front` the process that owns shared ports; else a program of Sluice's own. */
export type UnitKey = `site:${string}` | `proxy:${string}` | "front" | ProgramUnit;

export const siteUnit = (site: string): UnitKey => `site:${site}`;
export const proxyUnit = (site: string): UnitKey => `proxy:${site}`;
export const frontUnit: UnitKey = "front";
export const agentUnit = "agent" as const satisfies ProgramUnit;
export const keeperUnit = "keeper" as const satisfies ProgramUnit;

export const isProgramUnit = (unit: UnitKey): unit is ProgramUnit => unit === agentUnit || unit === keeperUnit;

export type ParsedUnit =
  | { readonly kind: "site" | "proxy"; readonly site: string }
  | { readonly kind: "front" }
  | { readonly kind: "agent" }
  | { readonly kind: "keeper" };

/** The kind of a unit and, except for the front and programs of Sluice's own, the site it belongs to. */
export function parseUnit(unit: UnitKey): ParsedUnit {
  if (unit === "front") return { kind: "front" };
  if (isProgramUnit(unit)) return { kind: unit };
  const colon = unit.indexOf(":");
  return { kind: unit.slice(0, colon) as "site" | "proxy", site: unit.slice(colon + 1) };
}

/** An immutable version of one unit. Equal digests mean equal content, whatever the version label says. */
export interface UnitRelease {
  readonly unit: UnitKey;
  /** For people: `2.4.0` for a site, an agent or a keeper, `settings 3f9a12` for a proxy. */
  readonly version: string;
  /** sha256 over the canonical JSON of `content`. */
  readonly digest: string;
  readonly content: SiteReleaseContent | SiteProxySettings | FrontSettings | ProgramContent;
}

export interface SiteReleaseContent {
  readonly site: string;
  /** Digest of the tarball; absent for the `external` driver, which brings its own files. */
  readonly artifact?: string;
  readonly run: Run;
  readonly ready: Ready;
}

/** A version of a program of Sluice's own. A keeper is another one than the agent of the same files. */
export interface ProgramContent {
  readonly kind: "agent-program" | "keeper-program";
  /** As the program itself says it. */
  readonly version: string;
  /** Absent: the program that was installed on the host by hand, which is whatever is in its place. */
  readonly files?: {
    /** Digest of the tarball. */
    readonly artifact: string;
    /** The file in it that Node is started with. */
    readonly entry: string;
  };
}

/**
 * The whole desired state of one host. The live release of a unit may be: the release of its grant, if there is one,
 * else its proven release, else nothing. Everything in `hold` is kept on disk, never made live by that (promise 1).
 */
export interface Intent {
  readonly host: string;
  /** Grows with every change. */
  readonly generation: number;
  /** The lease token of the coordinator that issued it; only grows. */
  readonly fence: number;
  /** sha256 over the canonical JSON of `body`. */
  readonly digest: string;
  readonly body: IntentBody;
}

export interface IntentBody {
  readonly environment: string;
  readonly unconfirmed: "revert" | "keep";
  readonly sites: readonly SiteDuties[];
  readonly units: readonly UnitIntent[];
  readonly grants: readonly Grant[];
  /** Users are to be led away from this host; nothing that runs changes by it. */
  readonly draining?: true;
  /** It is this host's turn to reboot. */
  readonly reboot?: RebootOrder;
  /** What was changed by hand is told and left as it is; absent: it is put back. */
  readonly drift?: "report";
  /** The same for what belongs to single sites; only of sites for which something else holds than for the host. */
  readonly siteDrift?: Readonly<Record<string, "heal" | "report">>;
}

/** How a site is looked after: nothing here changes what is live. */
export interface SiteDuties {
  readonly site: string;
  /** `internalName` is known only where a proxy's settings say it (see `dutiesUnder`). */
  readonly forward: Forward & { readonly internalName?: string };
  readonly drainMs: DurationMs;
  readonly keepPreviousMs: DurationMs;
  readonly probeEveryMs: DurationMs;
  /** Marks probe requests so that they stay out of user statistics and answer who served them. */
  readonly probeToken: string;
  readonly probes: readonly Probe[];
  readonly bindings: readonly ProbedBinding[];
}

export interface ProbedBinding {
  readonly name: string;
  readonly kind: "internal" | "public";
  readonly bindingPort: number;
  /** Where the front or the site proxy listens for it on this host. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly shared: boolean;
  readonly edge?: string;
}

export interface UnitIntent {
  readonly unit: UnitKey;
  /** Digest the fleet wants in the end; live only through a grant. */
  readonly desired?: string;
  /** The release that may run without a grant: it passed here. */
  readonly proven?: UnitRelease;
  /** Releases to keep installed (desired, granted, previous). */
  readonly hold: readonly UnitRelease[];
}

/** The permission to activate releases on one host, as one transaction. Provisional until the coordinator makes them proven. */
export interface Grant {
  readonly id: string;
  readonly rollout: string;
  readonly step: string;
  /** Unit and digest of a release in `hold`. Activated together: all or none. */
  readonly units: readonly { readonly unit: UnitKey; readonly digest: string }[];
  /**
   * `restart` activates even where the running digest is already the granted one. Both others take certificates as they lie in
   * their files; `revert` takes those that the host has kept of the time when the granted release was proven there before.
   */
  readonly kind: "activate" | "restart" | "revert";
  /** When the host undoes it by itself unless confirmed before. */
  readonly confirmBy: Instant;
  readonly probesBefore:
    | { readonly kind: "required" }
    | { readonly kind: "skipped"; readonly by: string; readonly reason: string };
  /**
   * Why the host must not take it back by itself once users have met it: it stays when nobody confirms it and when it turns
   * out bad, until the coordinator withdraws it. A restart of the host still brings back what is proven (promise 2).
   */
  readonly oneWay?: string;
}
