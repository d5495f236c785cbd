import { frontUnit, proxyUnit, siteUnit, type UnitKey } from "../intent/intent.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import { durationMs } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import { configureHost } from "./configure-host.ts";
import { diffEnvironments } from "./diff-environments.ts";
import { diffNotifications } from "./diff-notifications.ts";
import { diffSites } from "./diff-sites.ts";
import type { Fleet } from "./fleet.ts";
import type { FleetChange } from "./fleet-change.ts";

/** A unit of a host whose release the change of the fleet file replaces, brings or takes away. */
export interface AffectedUnit {
  readonly host: string;
  readonly unit: UnitKey;
  readonly kind: "added" | "removed" | "changed";
}

export interface FleetDiff {
  /** In the order of the file: fleet, environments, hosts, ports, certificates, sites, notifications. */
  readonly changes: readonly FleetChange[];
  /** Everything that has to be activated by a rollout. A change that affects no unit takes effect without one. */
  readonly affected: readonly AffectedUnit[];
}

/** What changes from one fleet to another; from nothing when there was none. Equal fleets have no changes. */
export function diffFleets(before: Fleet | undefined, after: Fleet): FleetDiff {
  const from = before ?? emptyFleet(after.name);
  return {
    changes: [
      ...renamed(from, after),
      ...otherFronts(from, after),
      ...diffEnvironments(from, after),
      ...diffSites(from, after),
      ...diffNotifications(from, after),
    ],
    affected: affectedUnits(from, after),
  };
}

const emptyFleet = (name: string): Fleet => ({
  name,
  environments: [],
  hosts: [],
  sites: [],
  sharedPorts: [],
  certificates: [],
});

function renamed(before: Fleet, after: Fleet): readonly FleetChange[] {
  if (before.name === after.name) return [];
  return [
    {
      kind: "changed",
      of: "fleet",
      name: after.name,
      setting: "name",
      sentence: `fleet: name ${before.name} → ${after.name}`,
    },
  ];
}

function otherFronts(before: Fleet, after: Fleet): readonly FleetChange[] {
  const [was, is] = [before.frontEngine ?? "node", after.frontEngine ?? "node"];
  if (was === is || before.hosts.length === 0) return [];
  const sentence = `fleet: engine of the fronts ${was} → ${is}`;
  return [{ kind: "changed", of: "fleet", name: after.name, setting: "engine", sentence }];
}

function affectedUnits(before: Fleet, after: Fleet): readonly AffectedUnit[] {
  const hosts = new Set([...before.hosts, ...after.hosts].map(({ name }) => name));
  return [...hosts].flatMap((host) => {
    const old = unitTexts(before, host);
    const now = unitTexts(after, host);
    return [...new Set([...old.keys(), ...now.keys()])]
      .filter((unit) => old.get(unit) !== now.get(unit))
      .map(
        (unit): AffectedUnit => ({
          host,
          unit,
          kind: !old.has(unit) ? "added" : !now.has(unit) ? "removed" : "changed",
        }),
      );
  });
}

/** What the fleet file contributes to the release of every unit of a host; a site's artifact is not its business. */
function unitTexts(fleet: Fleet, host: string): ReadonlyMap<UnitKey, string> {
  if (!fleet.hosts.some(({ name }) => name === host)) return new Map();
  const { proxies, front, siteRun } = configureHost(fleet, host, (text) => text, {
    probeEveryMs: durationMs(0),
    probeTokenOf: () => "",
  });
  return new Map<UnitKey, string>([
    ...siteRun.map(({ site, run, ready }) => [siteUnit(site), canonicalJson({ run, ready })] as const),
    ...proxies.map(({ content, unit }) => [unit, canonicalJson(content)] as const),
    ...(front === undefined ? [] : [[frontUnit, canonicalJson(front.content)] as const]),
  ]);
}

/** Settings that reach the release of a unit. All others are duties of the agent or rules of a rollout. */
const settingReaches: Readonly<Record<string, "site" | "proxy">> = {
  "run.driver": "site",
  "run.command": "site",
  "run.env": "site",
  "run.addresses": "site",
  "run.start": "site",
  "run.stop": "site",
  "ready.path": "site",
  "ready.within": "site",
  engine: "proxy",
  "forward.host": "proxy",
  hold: "proxy",
};

/** The units that one change touches; several changes may share one. Empty: it takes effect without an activation. */
export function unitsOf(change: FleetChange, diff: FleetDiff): readonly AffectedUnit[] {
  const mayReach = reachOf(change);
  return diff.affected.filter(mayReach);
}

function reachOf(change: FleetChange): (affected: AffectedUnit) => boolean {
  switch (change.of) {
    case "site":
      return siteReach(change.site, change.setting);
    case "binding":
      return ({ unit }) => change.setting !== "edge" && (unit === proxyUnit(change.site) || unit === frontUnit);
    case "host":
      return ({ host }) => host === change.name;
    case "certificate":
      return ({ unit }) => change.setting !== "renewal" && !unit.startsWith("site:");
    case "shared-port":
      return ({ unit }) => !unit.startsWith("site:");
    case "fleet":
      return ({ unit }) => change.setting === "engine" && unit === frontUnit;
    case "environment":
    case "freeze":
      return () => false;
    default:
      return unreachable(change);
  }
}

function siteReach(site: string, setting: string | undefined): (affected: AffectedUnit) => boolean {
  if (setting === undefined) return ({ unit }) => [siteUnit(site), proxyUnit(site), frontUnit].includes(unit);
  const reaches = settingReaches[setting];
  return ({ unit }) => reaches !== undefined && unit === (reaches === "site" ? siteUnit(site) : proxyUnit(site));
}
