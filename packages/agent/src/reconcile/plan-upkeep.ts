import type {
  ActivationAction,
  CertificateSet,
  Instant,
  ObservedHost,
  ProxySeen,
  SiteDuties,
  SlotName,
  SlotSeen,
  UnitKey,
  UnitRelease,
} from "@sluice/core";
import { acceptOrders } from "@sluice/core/activation/accept-orders";
import { readyKey } from "@sluice/core/activation/activation";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import {
  acceptingProxies,
  isSuch,
  openOn,
  proxiesOf,
  silentOf,
  slotSeen,
  slotTable,
  slowOf,
} from "@sluice/core/activation/observed-host";
import { frontUnit, proxyUnit, siteUnit } from "@sluice/core/intent/intent";
import { otherSlot } from "@sluice/core/proxying/proxy-settings";

/** Everything that keeping the proven releases running may look at. */
export interface UpkeepInput {
  readonly now: Instant;
  readonly host: ObservedHost;
  readonly proven: Readonly<Record<string, UnitRelease>>;
  /** What the proven process of a proxy or front was started with, where that is known. */
  readonly certificates: Readonly<Record<string, CertificateSet>>;
  /** Units of the intent; undefined when no intent is known, and then nothing is ended. */
  readonly wanted: ReadonlySet<UnitKey> | undefined;
  /** Units that an activation is responsible for: left alone. */
  readonly busy: ReadonlySet<UnitKey>;
  /** Units left alone on purpose until the coordinator speaks of them. */
  readonly drifting: ReadonlySet<UnitKey>;
  readonly duties: Readonly<Record<string, SiteDuties>>;
  /** The slot an activation wants live, by site. */
  readonly slotByActivation: Readonly<Record<string, SlotName | "hold">>;
  /** `readyKey`s of slots that answered their readiness path, and of those that were asked in vain. */
  readonly ready: ReadonlySet<string>;
  readonly unready: ReadonlySet<string>;
  /** Since when no process of a proxy or front has answered, by unit. */
  readonly absentSince: Readonly<Record<string, Instant>>;
  /** Users are to be led away from this host. */
  readonly draining: boolean;
  /** Nothing ran when the agent first looked: nobody is waited for but what was started since. */
  readonly cold: boolean;
}

/** How long there may be no process of a proxy that answers before another one is started: one that crashed comes back by itself. */
const absentMs = 5_000;
/**
 * The same while one runs that does not answer: it most likely serves users on a machine that is short of everything, which would
 * be shorter still by another process for every site.
 */
const slowMs = 30_000;
/** How long the front waits for the site proxies behind it at a cold start. */
const frontWaitMs = 10_000;
const graceMs = 5_000;

/**
 * What has to be done so that one site's proven releases run, without any coordinator: slot first, then proxy.
 * What the intent no longer names is drained and ended. Empty when all is as it should be.
 */
export function planSiteUpkeep(input: UpkeepInput, site: string): readonly ActivationAction[] {
  const units = [siteUnit(site), proxyUnit(site)];
  if (units.some((unit) => input.busy.has(unit))) return keepAround(input, site);
  const { wanted } = input;
  if (wanted !== undefined && !units.some((unit) => wanted.has(unit))) return endSite(input, site);
  const slots = keepSlot(input, site);
  return slots.length > 0 ? slots : keepProxy(input, site);
}

/** An activation of one of the two units must not leave the other one down. */
function keepAround(input: UpkeepInput, site: string): readonly ActivationAction[] {
  if (!input.busy.has(siteUnit(site))) return keepSlot(input, site);
  return input.busy.has(proxyUnit(site)) ? [] : keepProxy(input, site);
}

function keepSlot(input: UpkeepInput, site: string): readonly ActivationAction[] {
  const { host } = input;
  const release = input.proven[siteUnit(site)];
  if (release === undefined || input.drifting.has(siteUnit(site))) return [];
  const live = liveSlot(host, site);
  const current = provenSlot(host, site, release.digest, live);
  if (current === undefined) return [{ kind: "start-slot", site, slot: freeSlot(host, site, live), release }];
  const elsewhere = live !== undefined && live !== current.slot && slotSeen(host, site, live) !== undefined;
  const tables = input.busy.has(proxyUnit(site)) ? [] : leadTo(input, site, current);
  if (tables.length > 0) return afterReady(input, current, release, elsewhere, tables);
  if (input.busy.has(proxyUnit(site)) || acceptingProxies(host, proxyUnit(site)).length === 0) {
    return afterReady(input, current, release, false, []);
  }
  return otherSlots(host, site, current).map((slot) => ({ kind: "stop-slot", site, slot, graceMs }));
}

const provenSlot = (
  host: ObservedHost,
  site: string,
  digest: string,
  live: SlotName | undefined,
): SlotSeen | undefined =>
  host.slots
    .filter((seen) => seen.site === site && seen.digest === digest)
    .toSorted((a, b) => Number(b.slot === live) - Number(a.slot === live))[0];

/** Where a copy can be started without ending one that users reach. */
function freeSlot(host: ObservedHost, site: string, live: SlotName | undefined): SlotName {
  if (live === undefined) return "blue";
  return slotSeen(host, site, live) === undefined ? live : otherSlot(live);
}

/** Users are led from one copy to another only once the other is ready; to a copy where there is none, as soon as it was asked. */
function afterReady(
  { ready, unready }: UpkeepInput,
  seen: SlotSeen,
  release: UnitRelease,
  needed: boolean,
  actions: readonly ActivationAction[],
): readonly ActivationAction[] {
  const key = readyKey(seen);
  if (ready.has(key) || (!needed && unready.has(key))) return actions;
  return [{ kind: "await-ready", site: seen.site, slot: seen.slot, release }];
}

function leadTo({ host, draining }: UpkeepInput, site: string, current: SlotSeen): readonly ActivationAction[] {
  const slots = slotTable(host, site, current.slot, draining);
  return acceptingProxies(host, proxyUnit(site))
    .filter((proxy) => !leadsTo(proxy, current) || proxy.slots.draining !== slots.draining)
    .map(({ childId }) => ({ kind: "put-slots", childId, slots }));
}

function leadsTo({ slots }: ProxySeen, { slot, target }: SlotSeen): boolean {
  const told = slots[slot];
  return (
    slots.live === slot && told?.host === target.host && told.port === target.port && told.release === target.release
  );
}

function otherSlots(host: ObservedHost, site: string, current: SlotSeen): readonly SlotName[] {
  return host.slots
    .filter((seen) => seen.site === site && seen.slot !== current.slot && openOn(host, site, seen.slot) === 0)
    .map(({ slot }) => slot);
}

function keepProxy(input: UpkeepInput, site: string): readonly ActivationAction[] {
  const { host } = input;
  const proven = input.proven[siteUnit(site)];
  const current = proven === undefined ? undefined : provenSlot(host, site, proven.digest, liveSlot(host, site));
  const live = input.slotByActivation[site] ?? current?.slot ?? liveSlot(host, site) ?? "hold";
  return keepProcess(input, proxyUnit(site), slotTable(host, site, live, input.draining));
}

/** The front comes up when the sites behind it have, or after a while without them. */
export function planFrontUpkeep(input: UpkeepInput): readonly ActivationAction[] {
  if (input.busy.has(frontUnit)) return [];
  if (input.wanted !== undefined && !input.wanted.has(frontUnit)) return endProcesses(input, frontUnit);
  const missing = Object.keys(input.proven).some(
    (unit) => unit.startsWith("proxy:") && acceptingProxies(input.host, unit as UnitKey).length === 0,
  );
  if (missing && absentFor(input, frontUnit) < frontWaitMs) return [];
  return keepProcess(input, frontUnit, { live: "hold" });
}

function keepProcess(input: UpkeepInput, unit: UnitKey, slots: ProxySeen["slots"]): readonly ActivationAction[] {
  const release = input.proven[unit];
  const certificates = input.certificates[unit];
  const accepting = acceptingProxies(input.host, unit);
  const waiting = proxiesOf(input.host, unit).filter((seen) => !seen.accepting && !seen.draining);
  if (accepting.length > 0) {
    // The newest is not always the right one: a successor that was being taken back may have crashed and come again.
    const kept = accepting.findLast((seen) => isSuch(seen, release?.digest, certificates)) ?? accepting.at(-1);
    const others = accepting.filter((seen) => seen !== kept);
    return [...others.map((seen) => drainOrder(input, seen)), ...waiting.map(removeOrder)];
  }
  if (release === undefined) return waiting.map(removeOrder);
  const ready = waiting.findLast((seen) => isSuch(seen, release.digest, certificates));
  if (ready !== undefined) return acceptOrders(ready, slots.live === "hold" ? undefined : slots);
  if (absentFor(input, unit) < patienceMs(input, unit)) return [];
  const pinned = certificates === undefined ? {} : { certificates };
  return [{ kind: "start-successor", unit, release, slots, routesBeforeAccept: {}, ...pinned }];
}

function patienceMs({ host, cold }: UpkeepInput, unit: UnitKey): number {
  if (slowOf(host, unit).length > 0) return slowMs;
  return cold && silentOf(host, unit).length === 0 ? 0 : absentMs;
}

const absentFor = ({ now, absentSince }: UpkeepInput, unit: UnitKey): number => now - (absentSince[unit] ?? now);

const removeOrder = ({ childId }: ProxySeen): ActivationAction => ({ kind: "remove-proxy", childId, graceMs });

function drainOrder({ duties }: UpkeepInput, { childId, unit }: ProxySeen): ActivationAction {
  const times = Object.values(duties).filter(({ site }) => unit === frontUnit || unit === proxyUnit(site));
  return { kind: "drain", childId, limitMs: times.reduce((longest, { drainMs }) => Math.max(longest, drainMs), 0) };
}

/** Proxy first, so that no request meets a site that is gone; the copies end when the proxy's users are. */
function endSite(input: UpkeepInput, site: string): readonly ActivationAction[] {
  const proxies = endProcesses(input, proxyUnit(site));
  if (proxiesOf(input.host, proxyUnit(site)).length > 0) return proxies;
  return input.host.slots
    .filter((seen) => seen.site === site)
    .map(({ slot }) => ({ kind: "stop-slot", site, slot, graceMs }));
}

function endProcesses(input: UpkeepInput, unit: UnitKey): readonly ActivationAction[] {
  const running = proxiesOf(input.host, unit).filter(({ draining }) => !draining);
  return running.map((seen) => (seen.accepting ? drainOrder(input, seen) : removeOrder(seen)));
}
