import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { ProbeResult, TrafficBlock } from "@sluice/core";
import { driftPolicyFor } from "@sluice/core/host/drift";
import { Problem } from "@sluice/core/problems/problem";
import type { Clock, Ids, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import manifest from "../package.json" with { type: "json" };
import { startBootWatch } from "./boot/start-boot-watch.ts";
import { openCertificateUsers } from "./certificates/certificate-users.ts";
import { startRenewalWatch } from "./certificates/start-renewal-watch.ts";
import { startDriftWatch } from "./drift/start-drift-watch.ts";
import type { KeeperPatience } from "./keeper/keeper-patience.ts";
import { type HostMemory, openHostMemory, type WriteDurably } from "./ledger/host-memory.ts";
import { knownReleases } from "./ledger/known-releases.ts";
import { asUnitKey, revertLocally, switchLocally } from "./local/break-glass.ts";
import { serveLocal } from "./local/serve-local.ts";
import { type HostView, openHostView } from "./observation/open-host-view.ts";
import { openDrivers } from "./open-drivers.ts";
import { CoordinatorTime } from "./probing-schedule/coordinator-time.ts";
import { type Probing, startProbing } from "./probing-schedule/start-probing.ts";
import type { WatchdogWord } from "./program/open-own-program.ts";
import { readBootId } from "./reboots/read-boot-id.ts";
import { openRebootJournal } from "./reboots/reboot-journal.ts";
import { runRebootCommand } from "./reboots/run-reboot-command.ts";
import { type Reboots, type RebootsOptions, startReboots } from "./reboots/start-reboots.ts";
import type { HostDrivers } from "./reconcile/host-drivers.ts";
import { type Reconciler, startReconciler } from "./reconcile/start-reconciler.ts";
import { type AgentCredentials, loopbackCredentials } from "./session/agent-credentials.ts";
import { Outbox } from "./session/outbox.ts";
import { type Session, startSession } from "./session/start-session.ts";
import { startCounting } from "./traffic/start-counting.ts";
import { readRecord } from "./watchdog/watchdog-files.ts";

export interface AgentOptions {
  /** Name of this host, as the fleet file has it. */
  readonly host: string;
  readonly dataDir: string;
  /** `host:port` */
  readonly coordinator: string;
  readonly credentials?: AgentCredentials;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Ids;
  /** What this agent calls itself; its package's version when absent. */
  readonly version?: string;
  /** PEM file of further roots that bindings' certificates may come from. */
  readonly caFile?: string;
  /** What the watchdog said that started this process; absent: none did, and the agent's own program is changed by hand only. */
  readonly watchdog?: WatchdogWord;
  /** Probes accept certificates nobody vouches for: for fleets on one machine. */
  readonly acceptSelfSigned?: boolean;
  /** Reboots this host; run by its shell when a rollout says that it is the host's turn. Absent: the host refuses such turns. */
  readonly rebootCommand?: string;
}

/** What tests put in the place of the host's own processes, disk and chance. */
export interface AgentSeams {
  readonly drivers?: HostDrivers;
  readonly write?: WriteDurably;
  readonly chance?: () => number;
  /** The boot under which the agent takes its host to run; the kernel's word when absent. */
  readonly bootId?: string;
  /** With a keeper that does not answer. */
  readonly patience?: KeeperPatience;
}

/** Probe results kept while the coordinator is away: at 10 bindings asked on 3 hops every 10 s nearly an hour. */
const resultsMax = 10_000;
/** Blocks of traffic kept: 28 ways for six hours. With requests in all of them they take some 25 MB. */
const blocksMax = 60_000;

/** What an agent goes by and acts through. */
interface Grounds {
  readonly options: AgentOptions;
  readonly version: string;
  readonly credentials: AgentCredentials;
  readonly drivers: HostDrivers;
  readonly memory: HostMemory;
}

/**
 * Starts the agent of one host: makes sure that a keeper runs, goes on where an earlier agent was, and stays in touch with
 * the coordinator. Disposing stops the agent and nothing else: keeper, proxies and slots go on serving. Its work ends by itself
 * when the watchdog is to start another program in its place.
 */
export async function startAgent(options: AgentOptions, seams: AgentSeams = {}): Promise<Running> {
  const { host, dataDir, clock, log, version = manifest.version, credentials = loopbackCredentials } = options;
  const drivers = seams.drivers ?? (await openDrivers({ ...options, version }, credentials, seams.patience));
  const memory = await openHostMemory({ dataDir, ...(seams.write === undefined ? {} : { write: seams.write }) });
  const grounds = { options, version, credentials, drivers, memory };
  const startedAt = clock.now();
  const results = new Outbox<ProbeResult>(resultsMax);
  const traffic = new Outbox<TrafficBlock>(blocksMax);
  const coordinatorTime = new CoordinatorTime(clock);
  const took = (found: readonly ProbeResult[]) => {
    results.add(found);
    session.changed();
  };
  const reboots = await startRebootsOf(grounds, seams.bootId, {
    order: () => memory.intent?.body.reboot,
    isInTouch: () => session.connected,
    onChanged: () => session.changed(),
  });
  const changeOver = Promise.withResolvers<void>();
  const reconciler = startReconciler({
    host,
    drivers,
    memory,
    clock,
    log,
    onChanged: () => {
      renewals.moved();
      session.changed();
      reboots.wake();
    },
    onResults: took,
    onSwitched: (sites) => probing.now(sites),
    onHandChanges: (found) => drift.processes(found),
    onHealed: (found) => drift.healed(found),
    isConnected: () => session.connected,
    onLooked: options.watchdog?.giveSign,
    onChangeOver: changeOver.resolve,
    patience: seams.patience,
  });
  const drift = startDriftWatch({
    look: async () => [
      ...(await memory.edited()),
      ...(await drivers.lookForEdits(Object.values(knownReleases(memory.ledger, memory.intent)))),
    ],
    isQuiet: () => reconciler.isQuiet,
    policy: ({ about }) => driftPolicyFor(memory.intent?.body, about),
    clock,
    log,
    onChanged: () => session.changed(),
  });
  const renewals = startRenewalWatch({
    users: openCertificateUsers(() => ({ seen: reconciler.seen, ledger: memory.ledger, intent: memory.intent })),
    look: drivers.findRenewals,
    clock,
    log,
    onChanged: () => session.changed(),
  });
  const boot = startBootWatch({ read: drivers.readBootFacts, clock, onChanged: () => session.changed() });
  const view = openHostView({
    ...{ host, agent: { version, startedAt }, memory, reconciler },
    now: () => clock.now(),
    boot: () => boot.facts,
    bootSeen: () => reboots.seen,
    drifts: () => drift.drifts,
    found: () => renewals.found,
    hung: options.watchdog === undefined ? undefined : readRecord(dataDir).hang,
  });
  const { prober, proxies } = drivers;
  const probing = startProbing({ prober, clock, coordinatorTime, sites: () => view.sites(), onResults: took });
  const counting = startCounting({
    proxies,
    clock,
    isDraining: () => reconciler.seen?.proxies.some(({ draining }) => draining) ?? false,
    onClosed: (blocks, lost) => {
      traffic.lost(lost);
      traffic.add(blocks);
      session.changed();
    },
    onFailure: (err) => log.warn({ err }, "traffic.not-read"),
  });
  const heard = { results, traffic, coordinatorTime };
  const session = startSessionOf(grounds, { reconciler, view, probing, ...heard, chance: seams.chance ?? chance });
  const local = await serveLocalOf(grounds, { reconciler, view, session });
  const parts = [local, session, probing, counting, boot, renewals, drift, reboots, reconciler];
  const done = Promise.race([...parts.map((part) => part.done), changeOver.promise]);
  done.catch(() => undefined);
  return {
    done,
    async [Symbol.asyncDispose]() {
      await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
    },
  };
}

/** Reboots of the host by its coordinator's order, with the command that the host itself was given. */
async function startRebootsOf(
  { options: { dataDir, log, rebootCommand } }: Grounds,
  bootId: string | undefined,
  parts: Pick<RebootsOptions, "order" | "isInTouch" | "onChanged">,
): Promise<Reboots> {
  const outputFile = join(dataDir, "agent", "reboot.log");
  return startReboots({
    ...parts,
    log,
    journal: await openRebootJournal(dataDir),
    bootId: bootId ?? readBootId(),
    reboot: rebootCommand === undefined ? undefined : () => runRebootCommand(rebootCommand, outputFile),
  });
}

interface SessionParts {
  readonly reconciler: Reconciler;
  readonly view: HostView;
  readonly probing: Probing;
  readonly results: Outbox<ProbeResult>;
  readonly traffic: Outbox<TrafficBlock>;
  readonly coordinatorTime: CoordinatorTime;
  readonly chance: () => number;
}

function startSessionOf({ options, version, credentials, memory }: Grounds, parts: SessionParts): Session {
  const { host, coordinator, clock, log, ids } = options;
  const { reconciler, view, probing, results, traffic, coordinatorTime } = parts;
  return startSession({
    host,
    agentVersion: version,
    coordinator,
    credentials,
    clock,
    log,
    chance: parts.chance,
    epoch: ids.newId("epoch"),
    memory: () => ({ ...memory.ledger.memory, wantsIntent: reconciler.wantsIntent }),
    obey: (intent) => reconciler.obey(intent),
    observation: () => view.observation(),
    ...{ results, traffic, coordinatorTime },
    recheck: (recheck) => probing.recheck(recheck),
    askSite: (name, signal) => {
      const site = view.sites().find(({ duties }) => duties.site === name);
      if (site !== undefined) return probing.ask(site, signal);
      throw new Problem("site-unknown", `nothing of site '${name}' is live on host '${host}'`);
    },
    reconnectAfterMs: () => memory.ledger.reconnectAfterMs,
    keepReconnectAfter: (ms) => {
      if (ms <= 0 || ms === memory.ledger.reconnectAfterMs) return;
      memory
        .update((ledger) => ({ ...ledger, reconnectAfterMs: ms }))
        .catch((err) => log.warn({ err }, "ledger.not-written"));
    },
  });
}

function serveLocalOf(
  { options, drivers, memory }: Grounds,
  parts: { readonly reconciler: Reconciler; readonly view: HostView; readonly session: Session },
): Promise<Running> {
  const { dataDir, clock, log } = options;
  const { reconciler, view, session } = parts;
  const glass = { drivers, memory, clock };
  const acted = (sentence: string): string => {
    log.warn({ sentence }, "local.acted");
    reconciler.wake();
    return sentence;
  };
  return serveLocal({
    path: join(dataDir, "agent", "agent.sock"),
    observation: () => {
      const seen = view.observation();
      return seen === undefined ? undefined : { ...seen, at: clock.now() };
    },
    connected: () => session.connected,
    switchSite: async (site, act) => acted(await switchLocally(glass, site, act)),
    revertUnit: async (unit, act) => acted(await revertLocally(glass, asUnitKey(unit), act)),
  });
}

const chance = (): number => randomInt(2 ** 32) / 2 ** 32;
