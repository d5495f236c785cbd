import type { UnitKey } from "../intent/intent.ts";
import { type CertificateSet, sameCertificates } from "../proxying/certificate.ts";
import type { SlotName, SlotTable, SlotTarget } from "../proxying/proxy-settings.ts";
import { sameJson } from "../units/same-json.ts";

/** What the processes of a host report about themselves at one moment; never what was ordered. */
export interface ObservedHost {
  /** Digests of unit releases complete on disk. */
  readonly installed: readonly string[];
  readonly slots: readonly SlotSeen[];
  /** Oldest first. */
  readonly proxies: readonly ProxySeen[];
  /** Proxies that are kept running and do not answer now: nobody knows whom they lead where. */
  readonly silent?: readonly SilentProxy[];
  /** The agent's own program; absent: nobody could start another one in its place. */
  readonly agent?: AgentSeen;
  /** Who owns its sockets and processes; absent: it does not say which version it is. */
  readonly keeper?: KeeperSeen;
}

/** What a program of Sluice's own says of itself. */
export interface OwnProgramSeen {
  /** Of its release. */
  readonly digest: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** The grant that it was started on trial for; absent: it was started as the proven one. */
  readonly trial?: string;
}

/** The agent that looks, by its own word. */
export interface AgentSeen extends OwnProgramSeen {
  /** Why trials have ended, by grant, as the watchdog says it. */
  readonly trialEnds: Readonly<Record<string, string>>;
}

/** The keeper of the host, by its own word. */
export interface KeeperSeen extends OwnProgramSeen {
  readonly kept: Kept;
}

/** What a keeper holds, as far as its successor has to hold it as well. */
export interface Kept {
  /** Names of sockets that it can give to others. */
  readonly sockets: readonly string[];
  /** Pids of running children that it starts again when they end, by name. */
  readonly children: Readonly<Record<string, number>>;
}

/** A proxy process that its keeper starts again when it ends, and that says nothing at this moment. */
export interface SilentProxy {
  readonly unit: UnitKey;
  readonly childId: string;
  /** Its process has ended and is about to be started again; else it is slow, or only just started. */
  readonly isDown: boolean;
}

/** A running copy of a site, as the keeper and the slot report it. */
export interface SlotSeen {
  readonly site: string;
  readonly slot: SlotName;
  readonly digest: string;
  readonly version: string;
  readonly target: SlotTarget;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly alive: boolean;
  /** How often it was started again after a crash. */
  readonly restarts: number;
}

/** One site proxy or front process, as it reports itself. */
export interface ProxySeen {
  readonly unit: UnitKey;
  readonly childId: string;
  readonly digest: string;
  readonly build: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly accepting: boolean;
  readonly draining: boolean;
  readonly slots: SlotTable;
  readonly open: { readonly blue: number; readonly green: number };
  readonly remarks: readonly string[];
  /** What it was started with and presents to its end; absent: it presents none, or nobody knows. */
  readonly certificates?: CertificateSet;
}

export const slotSeen = (host: ObservedHost, site: string, slot: SlotName): SlotSeen | undefined =>
  host.slots.find((seen) => seen.site === site && seen.slot === slot);

export const proxySeen = (host: ObservedHost, childId: string | undefined): ProxySeen | undefined =>
  host.proxies.find((seen) => seen.childId === childId);

export const silentOf = (host: ObservedHost, unit: UnitKey): readonly SilentProxy[] =>
  (host.silent ?? []).filter((one) => one.unit === unit);

/** Those that run and are slow to say how they are: they may well do so at the next look. */
export const slowOf = (host: ObservedHost, unit: UnitKey): readonly SilentProxy[] =>
  silentOf(host, unit).filter(({ isDown }) => !isDown);

export const proxiesOf = (host: ObservedHost, unit: UnitKey): readonly ProxySeen[] =>
  host.proxies.filter((seen) => seen.unit === unit);

/** The proxies of a unit that users reach at this moment; more than one only while one takes over from another. */
export const acceptingProxies = (host: ObservedHost, unit: UnitKey): readonly ProxySeen[] =>
  proxiesOf(host, unit).filter((seen) => seen.accepting && !seen.draining);

/** Whether users of the proxy would notice no difference to one of this release that was started with these certificates. */
export const isSuch = (seen: ProxySeen, digest: string | undefined, certificates?: CertificateSet): boolean =>
  seen.digest === digest && sameCertificates(seen.certificates, certificates);

/** The newest process of the unit that could be given the listening sockets. */
export function waitingProxy(
  host: ObservedHost,
  unit: UnitKey,
  digest: string,
  certificates?: CertificateSet,
): ProxySeen | undefined {
  const waiting = proxiesOf(host, unit).filter((seen) => !seen.accepting && !seen.draining);
  return waiting.findLast((seen) => isSuch(seen, digest, certificates));
}

/** Requests and upgraded connections that proxies of the site still have on one slot. */
export function openOn(host: ObservedHost, site: string, slot: SlotName): number {
  return proxiesOf(host, `proxy:${site}`).reduce((sum, seen) => sum + seen.open[slot], 0);
}

/** Whether users of the site are being led away from this host, by the word of its proxies. */
export const isDraining = (host: ObservedHost, site: string): boolean =>
  acceptingProxies(host, `proxy:${site}`).some(({ slots }) => slots.draining === true);

/** Whether users of the proxy come where `wanted` leads them: to the same slot, and to the same process in it. */
export function leadsAs({ slots }: ProxySeen, wanted: SlotTable): boolean {
  if (slots.live !== wanted.live) return false;
  return wanted.live === "hold" || sameJson(slots[wanted.live], wanted[wanted.live]);
}

/** Where the running slots of a site are, with one of them live. A host that is being drained goes on being drained. */
export function slotTable(
  host: ObservedHost,
  site: string,
  live: SlotName | "hold",
  draining = isDraining(host, site),
): SlotTable {
  const blue = slotSeen(host, site, "blue")?.target;
  const green = slotSeen(host, site, "green")?.target;
  return {
    live,
    ...(blue === undefined ? {} : { blue }),
    ...(green === undefined ? {} : { green }),
    ...(draining && live !== "hold" ? { draining: true } : {}),
  };
}

/** True when both tables send requests to the same place. */
export function sameTable(a: SlotTable, b: SlotTable): boolean {
  return a.live === b.live && a.draining === b.draining && sameTarget(a.blue, b.blue) && sameTarget(a.green, b.green);
}

const sameTarget = (a: SlotTarget | undefined, b: SlotTarget | undefined): boolean =>
  a?.host === b?.host && a?.port === b?.port && a?.release === b?.release;
