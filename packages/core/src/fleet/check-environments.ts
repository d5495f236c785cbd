import { longestOpening } from "../gates/time-window.ts";
import { durationMs, formatDuration } from "../units/time.ts";
import { completeGates, waveSize, windowsOf } from "./complete-fleet.ts";
import type { WaveSize } from "./fleet.ts";
import { formatPath } from "./fleet-problem.ts";
import type { EnvironmentPiece, FleetReading, Piece } from "./fleet-reading.ts";
import { nearestOf } from "./nearest.ts";
import type { PathProblem } from "./path-problem.ts";

/** Names given once, hosts in one environment, waves that grow to everything, gates that can be met. */
export function checkEnvironments(reading: FleetReading): readonly PathProblem[] {
  return [
    ...namedTwice(reading),
    ...hostsTwice(reading),
    ...hostsUnused(reading),
    ...reading.environments.flatMap(checkWaves),
    ...reading.environments.flatMap(checkCanary),
    ...reading.environments.flatMap(checkMaxWait),
    ...reading.environments.flatMap(checkWindows),
    ...reading.environments.flatMap(approvalTwice),
  ];
}

function namedTwice({ environments }: FleetReading): readonly PathProblem[] {
  return environments.flatMap(({ name, path }, index) => {
    const earlier = environments.slice(0, index).find((other) => name !== undefined && other.name === name);
    if (earlier === undefined) return [];
    return [
      {
        path: [...path, "name"],
        sentence: `environment '${name}' is declared twice, first in ${formatPath(earlier.path)}`,
      },
    ];
  });
}

function hostsTwice({ environments }: FleetReading): readonly PathProblem[] {
  const seen = new Map<string, Piece<string>>();
  return environments
    .flatMap(({ hosts }) => hosts)
    .flatMap((host) => {
      const earlier = seen.get(host.source);
      if (earlier === undefined) {
        seen.set(host.source, host);
        return [];
      }
      const sentence = `host '${host.source}' is already in ${formatPath(earlier.path)}; a host belongs to one environment, once`;
      return [{ path: host.path, sentence }];
    });
}

function hostsUnused({ environments, hosts }: FleetReading): readonly PathProblem[] {
  const used = new Set(environments.flatMap((environment) => environment.hosts.map(({ source }) => source)));
  return hosts
    .filter(({ name }) => !used.has(name))
    .map(({ name, path }) => ({
      path,
      onKey: true,
      sentence: `host '${name}' is in no environment`,
      hint: "list it under hosts of an environment or remove it",
      about: [["environments", "*", "hosts"]],
    }));
}

function checkWaves({ waves, hosts, path }: EnvironmentPiece): readonly PathProblem[] {
  if (waves === undefined || hosts.length === 0) return [];
  const sizes = waves.source.map(waveSize);
  const about = [[...path, "hosts"]];
  const problems: PathProblem[] = sizes.flatMap((size, index) => {
    const before = sizes[index - 1];
    if (before === undefined || grows(before, size, hosts.length)) return [];
    const sentence = `wave ${waves.source[index]} is not larger than ${waves.source[index - 1]} before it; sizes are cumulative and ascend`;
    return [{ path: [...waves.path, index], sentence, about }];
  });
  const last = sizes.at(-1);
  if (last !== undefined && hostsIn(last, hosts.length) < hosts.length) {
    const sentence = `the last wave covers ${hostsIn(last, hosts.length)} of ${hosts.length} hosts, wanted all`;
    problems.push({ path: [...waves.path, sizes.length - 1], sentence, hint: "end the waves with 100%", about });
  }
  return problems;
}

/** Sizes of one kind must grow; sizes of two kinds may meet on few hosts. */
function grows(before: WaveSize, size: WaveSize, hosts: number): boolean {
  if (before.kind === "hosts" && size.kind === "hosts") return size.count > before.count;
  if (before.kind === "percent" && size.kind === "percent") return size.percent > before.percent;
  return hostsIn(size, hosts) >= hostsIn(before, hosts);
}

const hostsIn = (size: WaveSize, hosts: number): number =>
  size.kind === "hosts" ? Math.min(size.count, hosts) : Math.ceil((size.percent * hosts) / 100);

/** Canaries are hosts of their environment, each once. */
function checkCanary({ canary, hosts, name, path }: EnvironmentPiece): readonly PathProblem[] {
  if (canary === undefined || canary.source === "least-traffic") return [];
  const names = hosts.map(({ source }) => source);
  return canary.source.flatMap((host, index, all): readonly PathProblem[] => {
    const place = { path: [...canary.path, index], about: [[...path, "hosts"]] };
    if (all.indexOf(host) < index) return [{ ...place, sentence: `canary '${host}' is listed twice` }];
    if (names.includes(host)) return [];
    const meant = nearestOf(host, names);
    const hint = meant === undefined ? `its hosts are ${names.join(", ")}` : `did you mean '${meant}'?`;
    return [{ ...place, sentence: `canary '${host}' is no host of ${name ?? "the environment"}`, hint }];
  });
}

function checkMaxWait({ gates }: EnvironmentPiece): readonly PathProblem[] {
  if (gates === undefined || gates.source.maxWait === undefined) return [];
  const { soakMs, maxWaitMs } = completeGates(gates.source);
  if (maxWaitMs > soakMs) return [];
  const sentence = `maxWait ${formatDuration(maxWaitMs)} ends before an observation can: the soak takes ${formatDuration(soakMs)}`;
  return [{ path: [...gates.path, "maxWait"], sentence, hint: "make maxWait longer than soak" }];
}

/** A wave takes its whole observation in the worst case, besides its activation and the way back. */
function checkWindows({ gates }: EnvironmentPiece): readonly PathProblem[] {
  if (gates?.source.window === undefined) return [];
  const longest = longestOpening(windowsOf(gates.source));
  const { soakMs, maxWaitMs } = completeGates(gates.source);
  const needed = durationMs(soakMs + maxWaitMs);
  if (longest === undefined || longest > needed) return [];
  const sentence = `no wave would ever start: the longest window is ${formatDuration(longest)}, an observation may take ${formatDuration(needed)} (soak and maxWait)`;
  return [{ path: [...gates.path, "window"], sentence, hint: "widen the window, or shorten soak or maxWait" }];
}

function approvalTwice({ gates }: EnvironmentPiece): readonly PathProblem[] {
  const roles = (gates?.source.approval ?? []).map((rule) => (typeof rule === "string" ? rule : rule.role));
  return roles.flatMap((role, index) => {
    if (gates === undefined || roles.indexOf(role) === index) return [];
    const hint = `write { role: ${role}, count: 2 } for two people`;
    return [{ path: [...gates.path, "approval", index], sentence: `role '${role}' is listed twice`, hint }];
  });
}
