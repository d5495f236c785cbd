import type { ObservedHost, SlotSeen, SlotTarget, UnitKey } from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { acceptingProxies, proxiesOf, silentOf, slotSeen } from "@sluice/core/activation/observed-host";
import { proxyUnit, siteUnit } from "@sluice/core/intent/intent";
import type { UpkeepInput } from "../reconcile/plan-upkeep.ts";
import type { FoundDrift } from "./start-drift-watch.ts";

/** What a look at the processes may be compared with. */
export type HandInput = Pick<UpkeepInput, "host" | "proven" | "wanted" | "busy" | "drifting" | "cold">;

/** What ran, and was nobody's work in progress, when the agent last looked. */
export interface RanBefore {
  readonly host: ObservedHost;
  readonly busy: ReadonlySet<UnitKey>;
  /** Found missing by an earlier look, and not back yet. */
  readonly missing: readonly FoundDrift[];
}

/**
 * What somebody did to the processes of this host between two looks. Only what no activation is responsible for, neither
 * then nor now; after a restart of the host, and before the first look, nothing is known of what ran.
 */
export function findHandChanges(input: HandInput, before: RanBefore | undefined): readonly FoundDrift[] {
  if (input.cold || before === undefined) return [];
  const units = Object.keys(input.proven) as UnitKey[];
  const calm = units.filter(
    (unit) => !input.busy.has(unit) && !before.busy.has(unit) && input.wanted?.has(unit) !== false,
  );
  return calm.flatMap((unit) => {
    if (!unit.startsWith("site:")) return missingProxy(input, before, unit);
    const site = unit.slice("site:".length);
    if (input.drifting.has(unit)) return leftAlone(input, before, site);
    const isProxyBusy = input.busy.has(proxyUnit(site)) || before.busy.has(proxyUnit(site));
    return [
      ...missingCopy(input, before, site),
      ...extraCopies(input, before, site),
      ...(isProxyBusy ? [] : [...switched(input, site), ...misled(input, before, site)]),
    ];
  });
}

const wordsOf = ({ version, slot }: SlotSeen): string => `${version} in ${slot}`;

function provenCopies({ proven }: HandInput, host: ObservedHost, site: string): readonly SlotSeen[] {
  return host.slots.filter((seen) => seen.site === site && seen.digest === proven[siteUnit(site)]?.digest);
}

/** What is known to be stopped is told as it was found first, until it is back. */
const foundStopped = ({ missing }: RanBefore, about: UnitKey): readonly FoundDrift[] =>
  missing.filter((one) => one.kind === "process-stopped" && one.about === about);

function missingCopy(input: HandInput, before: RanBefore, site: string): readonly FoundDrift[] {
  if (provenCopies(input, input.host, site).length > 0) return [];
  const about = siteUnit(site);
  const known = foundStopped(before, about);
  if (known.length > 0) return known;
  return provenCopies(input, before.host, site)
    .slice(0, 1)
    .map((seen) => ({
      kind: "process-stopped",
      about,
      where: seen.slot,
      expected: wordsOf(seen),
      found: "no process",
    }));
}

function missingProxy({ host, proven }: HandInput, before: RanBefore, unit: UnitKey): readonly FoundDrift[] {
  if (proxiesOf(host, unit).some(({ draining }) => !draining) || silentOf(host, unit).length > 0) return [];
  const known = foundStopped(before, unit);
  if (known.length > 0) return known;
  return acceptingProxies(before.host, unit)
    .slice(-1)
    .map(({ childId }) => ({
      kind: "process-stopped",
      about: unit,
      where: childId,
      expected: proven[unit]?.version ?? "a process",
      found: "no process",
    }));
}

/** A unit that drifts on purpose, by an operator on the host, is told of elsewhere; what was found here and left is still told. */
function leftAlone(input: HandInput, before: RanBefore, site: string): readonly FoundDrift[] {
  const wasFound = before.missing.some((one) => one.kind === "slot-switched" && one.about === siteUnit(site));
  return wasFound ? [...switched(input, site), ...misled(input, before, site)] : [];
}

/** The agent starts no copy beside the proven one but for an activation. */
function extraCopies(input: HandInput, before: RanBefore, site: string): readonly FoundDrift[] {
  const live = liveSlot(input.host, site);
  return input.host.slots
    .filter((seen) => seen.site === site && seen.slot !== live && provenCopies(input, input.host, site)[0] !== seen)
    .filter(({ slot }) => slotSeen(before.host, site, slot) === undefined)
    .map((seen) => ({
      kind: "process-started",
      about: siteUnit(site),
      where: seen.slot,
      expected: "no process",
      found: wordsOf(seen),
    }));
}

/** Users are led to a copy that is not the proven one, by a proxy that nobody told so. */
function switched(input: HandInput, site: string): readonly FoundDrift[] {
  const [copy] = provenCopies(input, input.host, site);
  if (copy === undefined) return [];
  return acceptingProxies(input.host, proxyUnit(site)).flatMap(({ childId, slots }) => {
    const led = slots.live === "hold" ? undefined : slotSeen(input.host, site, slots.live);
    if (led === undefined || led.digest === copy.digest) return [];
    return [
      {
        kind: "slot-switched",
        about: siteUnit(site),
        where: childId,
        expected: wordsOf(copy),
        found: wordsOf(led),
      } as const,
    ];
  });
}

/**
 * A proxy that led to the proven copy leads elsewhere under its name, and the copy is where it was. Addresses change with copies that
 * are started again as well; a proxy is told so with the look that finds it.
 */
function misled(input: HandInput, before: RanBefore, site: string): readonly FoundDrift[] {
  const [copy] = provenCopies(input, input.host, site);
  const was = copy === undefined ? undefined : slotSeen(before.host, site, copy.slot);
  if (copy === undefined || was === undefined || !isSameTarget(was.target, copy.target)) return [];
  return acceptingProxies(input.host, proxyUnit(site)).flatMap(({ childId, slots }) => {
    const told = slots[copy.slot];
    if (slots.live !== copy.slot || told === undefined || isSameTarget(told, copy.target)) return [];
    const led = acceptingProxies(before.host, proxyUnit(site)).find((one) => one.childId === childId)?.slots;
    const wasFound = foundSwitched(before, siteUnit(site), childId);
    if (!wasFound && (led?.live !== copy.slot || !isSameTarget(led[copy.slot], copy.target))) return [];
    return [
      {
        kind: "slot-switched",
        about: siteUnit(site),
        where: childId,
        expected: `${wordsOf(copy)} at ${addressOf(copy.target)}`,
        found: `what is at ${addressOf(told)}`,
      } as const,
    ];
  });
}

const foundSwitched = ({ missing }: RanBefore, about: UnitKey, where: string): boolean =>
  missing.some((one) => one.kind === "slot-switched" && one.about === about && one.where === where);

const addressOf = ({ host, port }: SlotTarget): string => `${host}:${port}`;

const isSameTarget = (a: SlotTarget | undefined, b: SlotTarget): boolean =>
  a !== undefined && a.host === b.host && a.port === b.port && a.release === b.release;
