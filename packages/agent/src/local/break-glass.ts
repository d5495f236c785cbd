import type { ObservedHost, SiteDuties, SlotName, UnitKey, UnitRelease } from "@sluice/core";
import { readyKey } from "@sluice/core/activation/activation";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { acceptingProxies, slotSeen, slotTable } from "@sluice/core/activation/observed-host";
import { parseUnit, proxyUnit, siteUnit } from "@sluice/core/intent/intent";
import { Problem } from "@sluice/core/problems/problem";
import { otherSlot } from "@sluice/core/proxying/proxy-settings";
import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import type { HostMemory } from "../ledger/host-memory.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import { type HostDrivers, observeHost } from "../reconcile/host-drivers.ts";
import { unsettled } from "../reconcile/live-units.ts";

export interface BreakGlassPorts {
  readonly drivers: HostDrivers;
  readonly memory: HostMemory;
  readonly clock: Clock;
}

/** Somebody on the host itself, and why. */
export interface LocalAct {
  readonly by: string;
  readonly reason: string;
}

/** A person is waiting at the terminal; a copy that was proven before is ready sooner. */
const readyWithinMs = durationMs(30_000);

/** Makes the other slot of a site live if it answers its readiness path; from then on the site counts as drifting. */
export async function switchLocally(ports: BreakGlassPorts, site: string, act: LocalAct): Promise<string> {
  const { drivers, memory, clock } = ports;
  assertReason("switch", act);
  const duties = memory.ledger.duties[site];
  if (duties === undefined) throw new Problem("site-unknown", `this host has no site '${site}'`);
  assertIdle(ports, siteUnit(site));
  const { slot, release } = await otherCopy(ports, site);
  const sentence = `${site} was switched to ${release.version} (${slot}) on the host itself by ${act.by}: ${act.reason}`;
  const drift = { sentence, at: clock.now() };
  // Noted first: a copy in the idle slot that nobody wants would be ended while it gets ready.
  await memory.update((ledger) => ({ ...ledger, drifts: { ...ledger.drifts, [siteUnit(site)]: drift } }));
  try {
    const started = await drivers.slots.start(site, slot, release, duties);
    await awaitReady(ports, readyKey(started), { slot, site, release, duties });
    await switchTo(drivers, site, slot);
  } catch (error) {
    await memory.update(({ drifts: { [siteUnit(site)]: _, ...drifts }, ...rest }) => ({ ...rest, drifts }));
    throw error;
  }
  await memory.update((ledger) => ({ ...ledger, localActs: [...ledger.localActs, drift] }));
  return sentence;
}

async function switchTo(drivers: HostDrivers, site: string, slot: SlotName): Promise<void> {
  const host = await observeHost(drivers);
  const accepting = acceptingProxies(host, proxyUnit(site));
  if (accepting.length === 0) throw new Problem("proxy-unreachable", `no proxy of site '${site}' answers`);
  for (const proxy of accepting) await drivers.proxies.putSlots(proxy, slotTable(host, site, slot));
}

/** Goes back to the proven release of a unit: an activation of it is taken back, a drift is healed. */
export async function revertLocally({ memory, clock }: BreakGlassPorts, unit: UnitKey, act: LocalAct): Promise<string> {
  assertReason("revert", act);
  const { ledger } = memory;
  const activation = activationOf(ledger, unit);
  const proven = ledger.proven[unit];
  if (activation === undefined && proven === undefined) {
    throw new Problem("release-unknown", `cannot revert ${unit}: no release of it is proven on this host`);
  }
  const to = proven?.version ?? "nothing";
  const sentence = `${unit} was sent back to ${to} on the host itself by ${act.by}: ${act.reason}`;
  const at = clock.now();
  await memory.update(({ drifts: { [unit]: _, ...drifts }, ...rest }) => ({
    ...rest,
    drifts,
    revoked: activation === undefined ? rest.revoked : { ...rest.revoked, [activation.grant.id]: sentence },
    localActs: [...rest.localActs, { sentence, at }],
  }));
  return sentence;
}

const activationOf = (ledger: HostMemory["ledger"], unit: UnitKey) =>
  unsettled(ledger).find(({ parts }) => parts.some((part) => part.unit === unit));

function assertReason(verb: string, { reason, by }: LocalAct): void {
  if (reason.trim() !== "" && by.trim() !== "") return;
  throw new Problem("reason-missing", `cannot ${verb}: who and why are recorded, and are missing`, {
    hint: "--reason 'what is wrong'",
  });
}

function assertIdle({ memory }: BreakGlassPorts, unit: UnitKey): void {
  const activation = activationOf(memory.ledger, unit);
  if (activation === undefined) return;
  throw new Problem("unit-busy", `cannot switch ${unit}: grant ${activation.grant.id} is ${activation.phase}`, {
    hint:
      activation.phase === "provisional" ? `sluice local revert ${unit}` : "wait until it has ended, then try again",
  });
}

/** What runs in the idle slot, or else the release that was live before, which is kept startable for a while. */
async function otherCopy(
  { drivers, memory }: BreakGlassPorts,
  site: string,
): Promise<{ readonly slot: SlotName; readonly release: UnitRelease }> {
  const host: ObservedHost = await observeHost(drivers);
  const live = liveSlot(host, site);
  const slot = live === undefined ? "blue" : otherSlot(live);
  const seen = slotSeen(host, site, slot);
  const release =
    seen === undefined
      ? memory.ledger.previous[site]?.release
      : knownReleases(memory.ledger, memory.intent)[seen.digest];
  if (release !== undefined) return { slot, release };
  throw new Problem(
    "release-unknown",
    `cannot switch site '${site}': slot ${slot} is empty and no earlier release is kept`,
  );
}

async function awaitReady(
  { drivers, clock }: BreakGlassPorts,
  key: string,
  copy: { readonly site: string; readonly slot: SlotName; readonly release: UnitRelease; readonly duties: SiteDuties },
): Promise<void> {
  const over = new AbortController();
  const timer = clock.sleep(readyWithinMs, over.signal).then(
    () =>
      over.abort(
        new Problem("deadline-passed", `${key} is not ready within ${readyWithinMs} ms; nothing was switched`),
      ),
    () => undefined,
  );
  try {
    const seen = (await drivers.slots.list()).find(({ site, slot }) => site === copy.site && slot === copy.slot);
    if (seen === undefined) throw new Problem("spawn-failed", `${key} is gone again; nothing was switched`);
    await drivers.slots.awaitReady(seen, copy.release, copy.duties, over.signal);
  } finally {
    over.abort();
    await timer;
  }
}

/** A unit as people write it; throws `usage-invalid` for anything else. */
export function asUnitKey(text: string): UnitKey {
  if (/^(front|(site|proxy):[a-z0-9][a-z0-9-]*)$/.test(text) && parseUnit(text as UnitKey) !== undefined)
    return text as UnitKey;
  throw new Problem("usage-invalid", `cannot read unit '${text}': expected site:<name>, proxy:<site> or front`);
}
