import { type HostObservation, Problem, type UnitRelease } from "@sluice/core";
import { nameHosts } from "@sluice/core/rollout/wave";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/** Which hosts are to reboot. */
export interface HostsWanted {
  readonly hosts: readonly string[];
  /** Every host on which something is proven. */
  readonly all: boolean;
  readonly environment?: string | undefined;
}

/**
 * A rollout that reboots hosts. Throws `host-unknown`, `environment-unknown`, and `verb-refused` for a host that can't be
 * rebooted so: nothing is proven there that could be looked at afterwards, or its agent knows no reboot command.
 */
export function planReboot(planning: Planning, wanted: HostsWanted): PlannedRollout {
  const { proven, configured, observationOf } = planning;
  const { environments } = configured.fleet;
  const environment = environments.filter(
    ({ name }) => wanted.environment === undefined || name === wanted.environment,
  );
  const inOrder = environment.flatMap(({ hosts }) => hosts);
  if (environment.length === 0) {
    const names = environments.map(({ name }) => name).join(", ");
    throw new Problem("environment-unknown", `cannot find environment '${wanted.environment}'; there are ${names}`);
  }
  const hosts = inOrder.filter((host) => (wanted.all ? proven.unitsOn(host).length > 0 : wanted.hosts.includes(host)));
  for (const host of wanted.hosts) assertPlaced(host, hosts, wanted.environment);
  for (const host of hosts) assertCanReboot(host, observationOf(host), proven.unitsOn(host).length > 0);
  const sites = [...new Set(hosts.flatMap(proven.sitesOn))].sort();
  return planFor(planning, {
    kind: "reboot",
    title: `reboot of ${nameHosts(hosts)}`,
    sites,
    environments: environment.map(({ name }) => name),
    targets: (host) => (hosts.includes(host) ? releasesOn(planning, host) : []),
  });
}

function assertPlaced(host: string, hosts: readonly string[], environment: string | undefined): void {
  if (hosts.includes(host)) return;
  const where = environment === undefined ? "the fleet" : `environment '${environment}'`;
  throw new Problem("host-unknown", `cannot reboot host '${host}': it is not in ${where}`, {
    hint: "sluice host list",
  });
}

function assertCanReboot(host: string, observation: HostObservation | undefined, isProven: boolean): void {
  const what = `cannot reboot host '${host}'`;
  if (!isProven) {
    throw new Problem("verb-refused", `${what}: nothing is proven there that could be looked at afterwards`, {
      hint: "nobody is served there; reboot it by hand",
    });
  }
  if (observation?.boot?.canReboot === true) return;
  const why =
    observation === undefined
      ? "its agent has not reported since the coordinator's start"
      : "its agent was told no reboot command";
  throw new Problem("verb-refused", `${what}: ${why}`, {
    hint: `start it with one, on the host: sluice agent run --host ${host} --reboot-command "systemctl reboot" …`,
  });
}

const releasesOn = ({ proven }: Planning, host: string): readonly UnitRelease[] =>
  proven.unitsOn(host).flatMap((unit) => proven.releaseOf(host, unit) ?? []);
