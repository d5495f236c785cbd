import type {
  AgentSeen,
  CertificateSet,
  Hop,
  Instant,
  KeeperSeen,
  Kept,
  ProbeResult,
  ProgramFile,
  ProxySeen,
  SilentProxy,
  SiteDuties,
  SlotName,
  SlotSeen,
  SlotTable,
  SlotTarget,
  UnitKey,
  UnitRelease,
} from "@sluice/core";
import type { ProxyCounts } from "@sluice/proxy/counting/proxy-counters";
import type { Running } from "@sluice/runtime";
import type { FoundDrift } from "./drift/start-drift-watch.ts";

/** Puts releases on disk and keeps them there; never makes anything live. */
export interface Installer {
  /** Resolves when the release is complete on disk; rejects with an `artifact-…` or `disk-full` problem and leaves nothing half. */
  ensureInstalled(release: UnitRelease, signal: AbortSignal): Promise<void>;
  /** Digests of unit releases that are complete on disk. */
  installed(): Promise<readonly string[]>;
  /** Files of an installed release that are not as they were packed; empty also where there is nothing to compare them with. */
  editedIn(release: UnitRelease): Promise<readonly FoundDrift[]>;
  /** Removes what is not in `keep`; never what runs. */
  prune(keep: ReadonlySet<string>): Promise<void>;
}

/** One running copy of a site on its loopback port, as the keeper and the slot itself report it. */
export type RunningSlot = SlotSeen;

/** Starts and stops copies of sites; drivers `process` (through the keeper) and `external`. */
export interface Slots {
  list(): Promise<readonly RunningSlot[]>;
  /** Idempotent: a slot that already runs this digest is left alone; one that runs another is stopped first. */
  start(site: string, slot: SlotName, release: UnitRelease, duties: SiteDuties): Promise<RunningSlot>;
  /** Resolves when the slot answers its readiness path; rejects at once when its process has exited, naming exit code and the last lines of its log. */
  awaitReady(slot: RunningSlot, release: UnitRelease, duties: SiteDuties, signal: AbortSignal): Promise<void>;
  stop(site: string, slot: SlotName, graceMs: number): Promise<void>;
}

/** One proxy process (site proxy or front), as it reports itself. */
export type RunningProxy = ProxySeen;

/** The requests that one proxy process has answered since its start. */
export interface CountedProxy {
  readonly unit: UnitKey;
  readonly childId: string;
  readonly counts: ProxyCounts;
}

/** What all proxy processes of the host say at one moment. */
export interface CountsReading {
  readonly at: Instant;
  readonly counted: readonly CountedProxy[];
  /** Kept running, and did not answer within a short deadline. */
  readonly silent: readonly Omit<CountedProxy, "counts">[];
}

/** Runs site proxies and fronts as children of the keeper. */
export interface Proxies {
  /** Every proxy process of the host, oldest first; one that does not answer its control socket is left out after a short deadline. */
  list(): Promise<readonly RunningProxy[]>;
  /** Those kept running that are not among the ones that `list` has just answered with. */
  silent(answering: readonly RunningProxy[]): Promise<readonly SilentProxy[]>;
  /** What they have counted; rejects when it is not known which processes there are. */
  counts(): Promise<CountsReading>;
  /**
   * Binds what it will listen on, starts it with the given slots and resolves when it answers its control socket.
   * It accepts no user connection until `accept`. Before that a front routes probes for a site to `routesBeforeAccept[site]`.
   */
  startSuccessor(
    unit: UnitKey,
    release: UnitRelease,
    options: {
      readonly slots: SlotTable;
      readonly probeTokens: Readonly<Record<string, string>>;
      /** Site → probe socket of a site proxy that is not accepting yet. */
      readonly routesBeforeAccept?: Readonly<Record<string, string>>;
      /**
       * Started with the host's own copies of these, whatever lies in their files; absent: with what lies there now, provided that
       * it can be used. Either way it presents to its end what it was started with.
       */
      readonly certificates?: CertificateSet;
    },
  ): Promise<RunningProxy>;
  /** Path of the successor's probe socket. */
  probeSocket(proxy: RunningProxy): string;
  accept(proxy: RunningProxy): Promise<void>;
  /** Durable in the proxy when it resolves; the next request uses it. */
  putSlots(proxy: RunningProxy, slots: SlotTable): Promise<void>;
  /** Soft drain; resolves at once, the process exits by itself within `limitMs`. */
  drain(proxy: RunningProxy, limitMs: number): Promise<void>;
  /** Ends a process that holds no user connection (a successor that was refused) or after its drain. */
  remove(proxy: { readonly childId: string }, graceMs: number): Promise<void>;
}

/** Where a round of probes goes. */
export type ProbeTarget =
  /** Straight to a slot, with exactly the headers the site proxy would send. */
  | { readonly hop: "slot"; readonly target: SlotTarget }
  /** Through the probe socket of a proxy or front that need not accept users yet. */
  | { readonly hop: "proxy" | "front"; readonly probeSocket: string }
  /** As users of the host's own listeners: by address, under the binding's name. `proxy` for own ports, `front` for shared ones. */
  | { readonly hop: "listener" }
  /** Through the binding's public edge. Asks again while another host answers. */
  | { readonly hop: "edge" };

/** Asks bindings under their own names. */
export interface Prober {
  /** One result per binding × probe that the target applies to (edge: public bindings with an edge only). Never rejects: failures are results. */
  round(duties: SiteDuties, target: ProbeTarget, signal: AbortSignal): Promise<readonly ProbeResult[]>;
}

/** The agent's own program and the watchdog that starts it. */
export interface OwnProgram {
  /** What this process is, and what the watchdog says of trials. */
  seen(): Promise<AgentSeen>;
  /** What the watchdog is told to start. */
  file(): Promise<ProgramFile>;
  /** Durable when it resolves; the watchdog reads it when this process ends. */
  write(file: ProgramFile): Promise<void>;
  /** Starts the installed program of a release so far that it says its version; rejects with why it can't. */
  askVersion(release: UnitRelease, signal: AbortSignal): Promise<string>;
}

/** The keeper of the host as a program that can be changed. Calls reject when it can't be asked. */
export interface OwnKeeper {
  /** Undefined: it is older than releases of it, and does not say what it is. */
  seen(): Promise<KeeperSeen | undefined>;
  /** Which one is proven, for whenever one has to be started: durable when it resolves. Undefined: what was told before counts. */
  tell(proven: UnitRelease | undefined): Promise<void>;
  /** Starts the installed keeper of a release so far that it says its version; rejects with why it can't. */
  askVersion(release: UnitRelease, signal: AbortSignal): Promise<string>;
  /**
   * The keeper that runs hands everything over to this release, on trial for the grant. Rejects with the last words of a successor
   * that does not come, and with `keeper-unreachable` when it can be asked again; the one before then goes on.
   */
  handOver(release: UnitRelease, grant: string): Promise<void>;
  /** The same to the proven keeper. */
  handBack(): Promise<void>;
  /** What the keeper that runs does not hold of this, in words. */
  lostOf(kept: Kept): Promise<readonly string[]>;
  /** Kills the keeper that runs; whoever follows it starts the proven one. */
  putDown(): Promise<void>;
}

/** What is told of the processes of a host without being asked. A hint to look, never a fact to go by. */
export interface ProcessNews {
  /** One has started or ended. */
  moved(): void;
  /** Whoever looks after them is gone: all of them may have ended, and others may run when the next one answers. */
  lost(): void;
}

/** Passes on news of processes until it is disposed, and sees to it that somebody looks after them. */
export type WatchProcesses = (news: ProcessNews) => Running;

export type { Hop };
