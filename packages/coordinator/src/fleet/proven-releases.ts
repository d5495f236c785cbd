import { parseUnit, siteUnit, type UnitKey, type UnitRelease } from "@sluice/core";
import { readProven } from "../store/host-units.ts";
import type { Db } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";

/** What is proven on every host at this moment. */
export interface ProvenReleases {
  readonly digestOf: (host: string, unit: UnitKey) => string | undefined;
  readonly releaseOf: (host: string, unit: UnitKey) => UnitRelease | undefined;
  /** Units with a proven release on the host, by name. */
  readonly unitsOn: (host: string) => readonly UnitKey[];
  /** Sites with a proven release on the host, by name. */
  readonly sitesOn: (host: string) => readonly string[];
  /** Hosts that have anything of the site proven. */
  readonly hostsOf: (site: string) => readonly string[];
}

export function readProvenReleases(db: Db): ProvenReleases {
  const proven = readProven(db);
  const byKey = new Map(proven.map(({ host, unit, digest }) => [`${host}/${unit}`, digest]));
  const digestOf = (host: string, unit: UnitKey): string | undefined => byKey.get(`${host}/${unit}`);
  return {
    digestOf,
    releaseOf: (host, unit) => {
      const digest = digestOf(host, unit);
      return digest === undefined ? undefined : readUnitRelease(db, digest);
    },
    unitsOn: (host) => proven.filter((one) => one.host === host).map(({ unit }) => unit),
    sitesOn: (host) =>
      proven.flatMap((one) => {
        const unit = parseUnit(one.unit);
        return one.host === host && unit.kind === "site" ? [unit.site] : [];
      }),
    hostsOf: (site) => proven.filter((one) => one.unit === siteUnit(site)).map((one) => one.host),
  };
}
