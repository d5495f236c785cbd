import {
  acceptingProxies,
  type HostObservation,
  type Instant,
  liveSlot,
  type ObservedHost,
  proxyUnit,
  type SiteDuties,
  slotSeen,
} from "@sluice/core";
import { askedDuties } from "../ledger/asked-duties.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import type { ProbedSite } from "../probing-schedule/start-probing.ts";
import type { Reconciler } from "../reconcile/start-reconciler.ts";
import { buildObservation } from "./build-observation.ts";
import { readRebootClientId } from "./reboot-client-id.ts";

export interface HostViewOptions {
  readonly host: string;
  readonly agent: HostObservation["agent"];
  readonly now: () => Instant;
  readonly memory: Pick<HostMemory, "ledger" | "intent">;
  readonly reconciler: Pick<Reconciler, "seen" | "waiting" | "remarks">;
}

/** The host as everybody else is told of it, by the newest look and by what the agent remembers. */
export interface HostView {
  /** Undefined before the first look. The very same object as long as there is nothing new; `at` is when that began. */
  observation(): HostObservation | undefined;
  /** Sites that users can reach, or ought to. */
  sites(): readonly ProbedSite[];
}

export function openHostView(options: HostViewOptions): HostView {
  const { host, agent, now, memory, reconciler } = options;
  const rebootClientId = readRebootClientId();
  let told: { readonly by: readonly unknown[]; readonly observation: HostObservation } | undefined;
  return {
    observation() {
      const { seen, waiting, remarks } = reconciler;
      if (seen === undefined) return undefined;
      const { ledger, intent } = memory;
      const by = [seen, ledger, intent, ...[...waiting].flat(2), ...remarks];
      if (told === undefined || !sameMembers(told.by, by)) {
        const observation = buildObservation({
          ...{ host, now: now(), agent, ledger, intent, seen, waiting, remarks, rebootClientId },
        });
        told = { by, observation };
      }
      return told.observation;
    },
    sites() {
      const { seen } = reconciler;
      const { proven } = memory.ledger;
      const duties = askedDuties(memory, seen);
      return Object.values(duties).flatMap((one) => probedSite(one, seen, proven[`site:${one.site}`] !== undefined));
    },
  };
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
