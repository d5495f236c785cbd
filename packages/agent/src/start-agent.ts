import { randomInt } from "node:crypto";
import { join } from "node:path";
import { liveSlot, type ProbeResult, Problem, slotSeen } from "@sluice/core";
import type { Clock, Ids, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import manifest from "../package.json" with { type: "json" };
import { openInstaller } from "./install/open-installer.ts";
import { ensureKeeperRunning, keeperSocketOf } from "./keeper/ensure-keeper-running.ts";
import { followKeeper } from "./keeper/follow-keeper.ts";
import { openKeeper } from "./keeper/keeper-client.ts";
import { openHostMemory, type WriteDurably } from "./ledger/host-memory.ts";
import { asUnitKey, revertLocally, switchLocally } from "./local/break-glass.ts";
import { serveLocal } from "./local/serve-local.ts";
import { buildObservation } from "./observation/build-observation.ts";
import { openProber } from "./probing/open-prober.ts";
import { ResultBuffer } from "./probing-schedule/result-buffer.ts";
import { type ProbedSite, startProbing } from "./probing-schedule/start-probing.ts";
import { openProxies } from "./proxies/open-proxies.ts";
import type { HostDrivers } from "./reconcile/host-drivers.ts";
import { startReconciler } from "./reconcile/start-reconciler.ts";
import { type AgentCredentials, loopbackCredentials } from "./session/agent-credentials.ts";
import { fetchArtifact } from "./session/fetch-artifact.ts";
import { startSession } from "./session/start-session.ts";
import { openSlots } from "./slots/open-slots.ts";

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
  /** Probes accept certificates nobody vouches for: for fleets on one machine. */
  readonly acceptSelfSigned?: boolean;
}

/** What tests put in the place of the host's own processes, disk and chance. */
export interface AgentSeams {
  readonly drivers?: HostDrivers;
  readonly write?: WriteDurably;
  readonly chance?: () => number;
}

/**
 * Starts the agent of one host: makes sure that a keeper runs, goes on where an earlier agent was, and stays in touch with
 * the coordinator. Disposing stops the agent and nothing else: keeper, proxies and slots go on serving.
 */
export async function startAgent(options: AgentOptions, seams: AgentSeams = {}): Promise<Running> {
  const { host, dataDir, clock, log, version = manifest.version, credentials = loopbackCredentials } = options;
  const drivers = seams.drivers ?? (await openDrivers(options, credentials));
  const memory = await openHostMemory({ dataDir, ...(seams.write === undefined ? {} : { write: seams.write }) });
  const startedAt = clock.now();
  const results = new ResultBuffer();
  const took = (found: readonly ProbeResult[]) => {
    results.add(found);
    session.changed();
  };
  const reconciler = startReconciler({
    host,
    drivers,
    memory,
    clock,
    log,
    onChanged: () => session.changed(),
    onResults: took,
    onSwitched: (sites) => probing.now(sites),
  });
  const observation = () => {
    const { seen, waiting, remarks } = reconciler;
    if (seen === undefined) return undefined;
    const { ledger, intent } = memory;
    return buildObservation({
      host,
      now: clock.now(),
      agent: { version, startedAt },
      ledger,
      intent,
      seen,
      waiting,
      remarks,
    });
  };
  const sites = (): readonly ProbedSite[] =>
    Object.values(memory.ledger.duties).flatMap((duties) => {
      const live = reconciler.seen === undefined ? undefined : liveSlot(reconciler.seen, duties.site);
      if (live === undefined && memory.ledger.proven[`site:${duties.site}`] === undefined) return [];
      const target =
        live === undefined || reconciler.seen === undefined
          ? undefined
          : slotSeen(reconciler.seen, duties.site, live)?.target;
      return [{ duties, ...(target === undefined ? {} : { live: target }) }];
    });
  const probing = startProbing({ prober: drivers.prober, clock, sites, onResults: took });
  const session = startSession({
    host,
    agentVersion: version,
    coordinator: options.coordinator,
    credentials,
    clock,
    log,
    chance: seams.chance ?? chance,
    epoch: options.ids.newId("epoch"),
    memory: () => ({ ...memory.ledger.memory, wantsIntent: reconciler.wantsIntent }),
    obey: (intent) => reconciler.obey(intent),
    observation,
    results,
    askSite: (name, signal) => {
      const site = sites().find(({ duties }) => duties.site === name);
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
  const glass = { drivers, memory, clock };
  const acted = (sentence: string): string => {
    log.warn({ sentence }, "local.acted");
    reconciler.wake();
    return sentence;
  };
  const local = await serveLocal({
    path: join(dataDir, "agent", "agent.sock"),
    observation,
    connected: () => session.connected,
    switchSite: async (site, act) => acted(await switchLocally(glass, site, act)),
    revertUnit: async (unit, act) => acted(await revertLocally(glass, asUnitKey(unit), act)),
  });
  const parts = [local, session, probing, reconciler];
  const done = Promise.race(parts.map((part) => part.done));
  done.catch(() => undefined);
  return {
    done,
    async [Symbol.asyncDispose]() {
      await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
    },
  };
}

async function openDrivers(options: AgentOptions, credentials: AgentCredentials): Promise<HostDrivers> {
  const { host, dataDir, clock, log, ids, coordinator, caFile, acceptSelfSigned } = options;
  const ensureRunning = () => ensureKeeperRunning({ dir: dataDir, log: (event, fields) => log.info(fields, event) });
  await ensureRunning();
  const keeper = openKeeper(keeperSocketOf(dataDir));
  const onFailure = (err: unknown) => log.warn({ err }, "keeper.not-followed");
  return {
    installer: openInstaller({
      dataDir,
      keeper,
      fetchArtifact: (digest, toFile, signal) => fetchArtifact({ coordinator, credentials }, digest, toFile, signal),
    }),
    watch: (news) => followKeeper({ keeper, ensureRunning, clock, onFailure }, news),
    slots: openSlots({ keeper, dataDir, clock }),
    proxies: openProxies({ keeper, dataDir, host, clock }),
    prober: openProber({
      host,
      clock,
      ids,
      ...(caFile === undefined ? {} : { caFile }),
      ...(acceptSelfSigned === undefined ? {} : { acceptSelfSigned }),
    }),
  };
}

const chance = (): number => randomInt(2 ** 32) / 2 ** 32;
