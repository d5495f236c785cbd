import type { SiteDuties } from "../intent/intent.ts";
import { proxyUnit } from "../intent/intent.ts";
import type { SlotName, SlotTable } from "../proxying/proxy-settings.ts";
import type { ActivationInput, ActivationPart, ProxyPart, SitePart } from "./activation.ts";
import { acceptingProxies, type ObservedHost, proxiesOf, slotTable } from "./observed-host.ts";

type Parted = { readonly parts: readonly ActivationPart[] };

/** Site releases that really change. */
export const changingSites = ({ parts }: Parted): readonly SitePart[] =>
  parts.filter((part): part is SitePart => part.kind === "site" && !part.unchanged);

/** Proxies that really change, the front last: it leads to the others. */
export function changingProxies({ parts }: Parted): readonly ProxyPart[] {
  const changing = parts.filter((part): part is ProxyPart => part.kind !== "site" && !part.unchanged);
  return [...changing.filter(({ kind }) => kind === "proxy"), ...changing.filter(({ kind }) => kind === "front")];
}

/** Changing site releases whose own proxy stays: it is told to use the other slot. */
export function sitesBehindSameProxy(state: Parted): readonly SitePart[] {
  const changed = new Set(changingProxies(state).map(({ unit }) => unit));
  return changingSites(state).filter(({ site }) => !changed.has(proxyUnit(site)));
}

const namedSites = ({ parts }: Parted): ReadonlySet<string> =>
  new Set(parts.flatMap((part) => (part.site === undefined ? [] : [part.site])));

/** The sites whose bindings are asked: those of the grant and, when the front changes, every live site behind it. */
export function sitesAsked(input: ActivationInput): readonly SiteDuties[] {
  const { state, duties, host } = input;
  const named = namedSites(state);
  const fronted = state.parts.some(({ kind }) => kind === "front");
  return Object.values(duties).filter(
    ({ site, bindings }) => named.has(site) || (fronted && bindings.some(({ shared }) => shared) && isLive(host, site)),
  );
}

/** A site whose copies run while no proxy of it answers is live all the same: its proxy is about to be started again. */
function isLive(host: ObservedHost, site: string): boolean {
  if (proxiesOf(host, proxyUnit(site)).length === 0) return host.slots.some((seen) => seen.site === site);
  return acceptingProxies(host, proxyUnit(site)).some(({ slots }) => slots.live !== "hold");
}

/**
 * Sites behind a front that changes which nobody can be asked about yet: their copies run, and their proxies have not been told of
 * them. So it is for moments after a start of the host.
 */
export function sitesComingUp({ state, duties, host }: ActivationInput): readonly string[] {
  if (!changingProxies(state).some(({ kind }) => kind === "front")) return [];
  const behind = Object.values(duties).filter(({ bindings }) => bindings.some(({ shared }) => shared));
  return behind.map(({ site }) => site).filter((site) => isComingUp(host, site));
}

function isComingUp(host: ObservedHost, site: string): boolean {
  const accepting = acceptingProxies(host, proxyUnit(site));
  return (
    accepting.length > 0 &&
    accepting.every(({ slots }) => slots.live === "hold") &&
    host.slots.some((seen) => seen.site === site)
  );
}

/** The table a site's proxy gets: the granted release's slot live before users see it, or whatever is live at this moment. */
export function wantedTable({ state, host }: ActivationInput, site: string): SlotTable {
  const part = changingSites(state).find((candidate) => candidate.site === site);
  return slotTable(host, site, part?.to ?? liveSlot(host, site) ?? "hold");
}

/** The table a site's proxy gets when the activation is undone. */
export function tableBefore({ state, host }: ActivationInput, site: string): SlotTable {
  const part = changingSites(state).find((candidate) => candidate.site === site);
  return slotTable(host, site, part === undefined ? (liveSlot(host, site) ?? "hold") : (part.from?.slot ?? "hold"));
}

/** The slot that gets a site's requests, by the word of its newest proxy; with no proxy, the only slot there is. */
export function liveSlot(host: ObservedHost, site: string): SlotName | undefined {
  const proxies = host.proxies.filter((seen) => seen.unit === proxyUnit(site) && seen.accepting);
  const told = (proxies.findLast((seen) => !seen.draining) ?? proxies.at(-1))?.slots.live;
  if (told !== undefined && told !== "hold") return told;
  const slots = host.slots.filter((seen) => seen.site === site && seen.alive);
  return slots.length === 1 ? slots[0]?.slot : undefined;
}

/** How long processes of these parts may take to let go of their users: the longest of their sites'. */
export function drainMs({ state, duties }: ActivationInput): number {
  const named = namedSites(state);
  const fronted = state.parts.some(({ kind }) => kind === "front");
  const times = Object.values(duties).filter(({ site }) => fronted || named.has(site));
  return times.reduce((longest, { drainMs }) => Math.max(longest, drainMs), 0);
}
