import type { BootSeen, HostObservation, Instant, ObservedHost, SiteDuties } from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { acceptingProxies, slotSeen } from "@sluice/core/activation/observed-host";
import type { Drift } from "@sluice/core/host/drift";
import type { BootFacts } from "@sluice/core/host/forecast-boot";
import { proxyUnit } from "@sluice/core/intent/intent";
import { minutes } from "@sluice/core/units/time";
import type { WatchedCertificate } from "../certificates/start-renewal-watch.ts";
import { askedDuties } from "../ledger/asked-duties.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { ProbedSite } from "../probing-schedule/start-probing.ts";
import type { Reconciler } from "../reconcile/start-reconciler.ts";
import type { Hang } from "../watchdog/watchdog-files.ts";
import { buildObservation } from "./build-observation.ts";
import { readRebootClientId } from "./reboot-client-id.ts";

export interface HostViewOptions {
  readonly host: string;
  readonly agent: HostObservation["agent"];
  readonly now: () => Instant;
  readonly memory: Pick<HostMemory, "ledger" | "intent">;
  readonly reconciler: Pick<Reconciler, "seen" | "waiting" | "remarks">;
  /** The newest look at what a reboot would start. */
  readonly boot: () => BootFacts | undefined;
  /** How the host was started; the same object as long as it says the same. */
  readonly bootSeen: () => BootSeen | undefined;
  /** What somebody changed by hand; the same list as long as it says the same. */
  readonly drifts: () => readonly Drift[];
  /** What lies in the files of certificates; the same list as long as it says the same. */
  readonly found: () => readonly WatchedCertificate[];
  /** When an agent of this host was started again because it hung. */
  readonly hung?: Hang | undefined;
}

/** For how long it is said that an agent hung: a coordinator that was away hears of it as well. */
const hungToldMs = minutes(60);

/** The host as everybody else is told of it, by the newest look and by what the agent remembers. */
export interface HostView {
  /** Undefined before the first look. The very same object as long as there is nothing new; `at` is when that began. */
  observation(): HostObservation | undefined;
  /** Sites that users can reach, or ought to. The very same list as long as there is nothing new: it is asked for many times a second. */
  sites(): readonly ProbedSite[];
}

export function openHostView(options: HostViewOptions): HostView {
  const { host, agent, now, memory, reconciler } = options;
  let asked: { readonly by: readonly unknown[]; readonly sites: readonly ProbedSite[] } | undefined;
  const rebootClientId = readRebootClientId();
  let told: { readonly by: readonly unknown[]; readonly observation: HostObservation } | undefined;
  return {
    observation() {
      const { seen, waiting } = reconciler;
      const remarks = [...reconciler.remarks, ...hungRemarks(options)];
      if (seen === undefined) return undefined;
      const { ledger, intent } = memory;
      const boot = options.boot();
      const drifts = options.drifts();
      const bootSeen = options.bootSeen();
      const found = options.found();
      const by = [seen, ledger, intent, boot, bootSeen, drifts, found, ...[...waiting].flat(2), ...remarks];
      if (told === undefined || !sameMembers(told.by, by)) {
        const looks = { ledger, intent, seen, waiting, remarks, drifts, found, bootSeen };
        const forecast = boot === undefined ? {} : { boot };
        const observation = buildObservation({ host, now: now(), agent, ...looks, ...forecast, rebootClientId });
        told = { by, observation };
      }
      return told.observation;
    },
    sites() {
      const { seen } = reconciler;
      const { ledger, intent } = memory;
      const by = [seen, ledger, intent];
      if (asked === undefined || !sameMembers(asked.by, by))
        asked = { by, sites: probedSites({ ledger, intent }, seen) };
      return asked.sites;
    },
  };
}

function hungRemarks({ hung, now }: HostViewOptions): readonly string[] {
  if (hung === undefined || now() - hung.atMs > hungToldMs) return [];
  const at = new Date(hung.atMs).toISOString();
  const s = Math.round(hung.silentMs / 1000);
  const silence = hung.isFirst ? `no sign of life within ${s} s of its start` : `no sign of life for ${s} s`;
  return [`the agent was started again at ${at}: it had given ${silence}`];
}

function probedSites(memory: HostViewOptions["memory"], seen: ObservedHost | undefined): readonly ProbedSite[] {
  const { proven } = memory.ledger;
  const duties = Object.values(askedDuties(memory, seen));
  return duties.flatMap((one) => probedSite(one, seen, proven[`site:${one.site}`] !== undefined));
}

/** A site that is on its way to its first users is asked by its activation; until a proxy lets users in, nobody else would get in. */
function probedSite(duties: SiteDuties, seen: ObservedHost | undefined, isProven: boolean): readonly ProbedSite[] {
  const isOpen = seen !== undefined && acceptingProxies(seen, proxyUnit(duties.site)).length > 0;
  if (!isOpen && !isProven) return [];
  const slot = seen === undefined ? undefined : liveSlot(seen, duties.site);
  if (seen === undefined || slot === undefined) return isProven ? [{ duties }] : [];
  const live = slotSeen(seen, duties.site, slot)?.target;
  return [{ duties, ...(live === undefined ? {} : { live }) }];
}

const sameMembers = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((member, at) => member === b[at]);
