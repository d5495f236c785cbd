import {
  dutiesUnder,
  type Fleet,
  type Freeze,
  type GateFacts,
  type Instant,
  proxyUnit,
  type SiteDuties,
  type SiteProxySettings,
  siteUnit,
} from "@sluice/core";
import { findUnheard, type ProbedWay } from "@sluice/core/gates/monitoring";
import { findUnrepresented } from "@sluice/core/gates/representativeness";
import { hostUnit, sitesTouched } from "@sluice/core/rollout/wave";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { StoredRollout } from "../store/rollouts.ts";
import { readHaltAll, readOrders } from "../store/standing-orders.ts";
import type { Db } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";

export interface GateFactsInput {
  readonly db: Db;
  readonly fleets: FleetDesk;
  readonly now: Instant;
  /** When a probe on this way last said anything of the host. */
  readonly heardAt: (host: string, way: ProbedWay) => Instant | undefined;
  /** Digest proven by `host/unit`. */
  readonly proven: Readonly<Record<string, string>>;
}

/** What the gates of a rollout look at, as of now. */
export function gateFacts(input: GateFactsInput, stored: StoredRollout): GateFacts {
  const { db, fleets } = input;
  const fleet = fleets.applied?.fleet;
  const haltAll = readHaltAll(db);
  return {
    freezes: readFreezes(db, fleet),
    mutes: readOrders(db, "mute"),
    unrepresented: fleet === undefined ? [] : findUnrepresented(fleet),
    unheard: unheardBefore(input, stored),
    ...(haltAll === undefined ? {} : { haltAll }),
  };
}

/** Those of the fleet file, and those that operators ordered. */
export const readFreezes = (db: Db, fleet: Pick<Fleet, "freezes"> | undefined): readonly Freeze[] => [
  ...(fleet?.freezes ?? []),
  ...readOrders(db, "freeze"),
];

/** Silent ways into the hosts of the wave that waits. */
function unheardBefore(input: GateFactsInput, { rollout, state }: StoredRollout): GateFacts["unheard"] {
  if (state.phase !== "waiting-for-gates") return [];
  const { now, heardAt, fleets } = input;
  const wave = rollout.stages[state.at.stage]?.waves[state.at.wave] ?? [];
  return wave
    .filter(({ host }) => fleets.isHost(host))
    .flatMap(({ host, units }) => {
      const touched = sitesTouched(rollout, units);
      const duties = provenDuties(input, host).filter(({ site }) => touched.includes(site));
      return findUnheard({ now, heardAt: (way) => heardAt(host, way), host, duties });
    });
}

/** Sites that are live on a host, as its agent probes them: under the names of the proxy that is proven there. */
function provenDuties({ db, fleets, proven }: GateFactsInput, host: string): readonly SiteDuties[] {
  return fleets
    .require()
    .configurationOf(host)
    .sites.filter(({ site }) => proven[hostUnit(host, siteUnit(site))] !== undefined)
    .map((duties) => {
      const digest = proven[hostUnit(host, proxyUnit(duties.site))];
      const release = digest === undefined ? undefined : readUnitRelease(db, digest);
      return release === undefined ? duties : dutiesUnder(duties, release.content as SiteProxySettings);
    });
}
