import type {
  ActivationAction,
  ActivationFacts,
  CertificateSet,
  ObservedHost,
  ProbeResult,
  ProbeRoundOrder,
  SiteDuties,
  UnitRelease,
} from "@sluice/core";
import { readyKey } from "@sluice/core/activation/activation";
import { slotSeen } from "@sluice/core/activation/observed-host";
import { tallyRound } from "@sluice/core/activation/probe-tally";
import { siteUnit } from "@sluice/core/intent/intent";
import { Problem } from "@sluice/core/problems/problem";
import type { ProbeTarget, RunningProxy } from "../drivers.ts";
import type { HostDrivers } from "../reconcile/host-drivers.ts";

export interface Site {
  readonly drivers: HostDrivers;
  readonly host: ObservedHost;
  readonly duties: Readonly<Record<string, SiteDuties>>;
  readonly signal: AbortSignal;
  /** Rejects for a release that is not on disk as it was packed; absent: what is started is proven, and is started whatever became of it. */
  readonly assertAsPacked?: (release: UnitRelease) => Promise<void>;
  /** Results of probes that users' ways were asked with. */
  readonly onResults: (results: readonly ProbeResult[]) => void;
}

export const noFacts: ActivationFacts = { failures: [], ready: [], started: [], tally: {}, cold: false };

/** Carries out one order and adds what was found out. An order that was called off leaves the facts as they were. */
export async function carryOut(site: Site, facts: ActivationFacts, action: ActivationAction): Promise<ActivationFacts> {
  try {
    return await act(site, facts, action);
  } catch (error) {
    if (site.signal.aborted) return facts;
    const sentence = error instanceof Error ? error.message : String(error);
    const retryHelps = error instanceof Problem ? error.retryHelps : true;
    return { ...facts, failures: [...facts.failures, { action: action.kind, sentence, retryHelps }] };
  }
}

async function act(site: Site, facts: ActivationFacts, action: ActivationAction): Promise<ActivationFacts> {
  const { drivers, signal } = site;
  switch (action.kind) {
    case "ensure-installed":
      await drivers.installer.ensureInstalled(action.release, signal);
      return facts;
    case "start-slot":
      await site.assertAsPacked?.(action.release);
      await drivers.slots.start(action.site, action.slot, action.release, dutiesOf(site, action.site));
      return facts;
    case "await-ready":
      return awaitReady(site, facts, action);
    case "stop-slot":
      await drivers.slots.stop(action.site, action.slot, action.graceMs);
      return facts;
    case "start-successor": {
      const { childId } = await startSuccessor(site, action);
      return { ...facts, started: [...facts.started, childId] };
    }
    case "probe":
      return { ...facts, tally: tallyRound(facts.tally, await probe(site, action.rounds)) };
    case "put-slots":
      await drivers.proxies.putSlots(proxyOf(site, action.childId), action.slots);
      return facts;
    case "accept":
      await drivers.proxies.accept(proxyOf(site, action.childId));
      return facts;
    case "drain":
      await drivers.proxies.drain(proxyOf(site, action.childId), action.limitMs);
      return facts;
    case "remove-proxy":
      await drivers.proxies.remove(action, action.graceMs);
      return facts;
  }
}

async function awaitReady(
  site: Site,
  facts: ActivationFacts,
  action: ActivationAction & { readonly kind: "await-ready" },
): Promise<ActivationFacts> {
  const seen = slotSeen(site.host, action.site, action.slot);
  if (seen === undefined) return facts;
  await site.drivers.slots.awaitReady(seen, action.release, dutiesOf(site, action.site), site.signal);
  return { ...facts, ready: [...facts.ready, readyKey(seen)] };
}

async function startSuccessor(
  { drivers, host, duties }: Site,
  action: {
    readonly unit: UnitRelease["unit"];
    readonly release: UnitRelease;
    readonly slots: RunningProxy["slots"];
    readonly routesBeforeAccept: Readonly<Record<string, string>>;
    readonly certificates?: CertificateSet;
  },
): Promise<RunningProxy> {
  const tokens = Object.values(duties).map(({ site, probeToken }) => [site, probeToken] as const);
  const routes = Object.entries(action.routesBeforeAccept).flatMap(([site, childId]) => {
    const proxy = host.proxies.find((seen) => seen.childId === childId);
    return proxy === undefined ? [] : [[site, drivers.proxies.probeSocket(proxy)] as const];
  });
  return drivers.proxies.startSuccessor(action.unit, action.release, {
    slots: action.slots,
    probeTokens: Object.fromEntries(tokens),
    ...(action.certificates === undefined ? {} : { certificates: action.certificates }),
    ...(routes.length === 0 ? {} : { routesBeforeAccept: Object.fromEntries(routes) }),
  });
}

async function probe(site: Site, orders: readonly ProbeRoundOrder[]): Promise<readonly ProbeResult[]> {
  const rounds = await Promise.all(
    orders.map(async (order) => {
      const target = targetOf(site, order);
      const results = await site.drivers.prober.round(dutiesOf(site, order.site), target, site.signal);
      if (!site.signal.aborted && (target.hop === "listener" || target.hop === "edge")) site.onResults(results);
      return results;
    }),
  );
  site.signal.throwIfAborted();
  return rounds.flat();
}

function targetOf(site: Site, { target }: ProbeRoundOrder): ProbeTarget {
  if (!("childId" in target)) return target;
  return { hop: target.hop, probeSocket: site.drivers.proxies.probeSocket(proxyOf(site, target.childId)) };
}

function proxyOf({ host }: Site, childId: string): RunningProxy {
  const seen = host.proxies.find((proxy) => proxy.childId === childId);
  if (seen !== undefined) return seen;
  throw new Problem("proxy-unreachable", `proxy process '${childId}' does not answer`);
}

function dutiesOf({ duties }: Site, site: string): SiteDuties {
  const known = duties[site];
  if (known !== undefined) return known;
  throw new Problem("site-unknown", `the intent does not say how to look after ${siteUnit(site)}`);
}
