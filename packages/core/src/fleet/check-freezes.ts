import { parseLocalTime } from "../gates/freeze.ts";
import type { FleetPath } from "./fleet-problem.ts";
import type { FleetReading, Piece } from "./fleet-reading.ts";
import type { FreezeSource } from "./fleet-source.ts";
import { nearestOf } from "./nearest.ts";
import type { PathProblem } from "./path-problem.ts";

/** A freeze has a name of its own, one kind of time, and concerns what there is. */
export function checkFreezes(reading: FleetReading): readonly PathProblem[] {
  return [
    ...namedTwice(reading),
    ...reading.freezes.flatMap(checkTime),
    ...reading.freezes.flatMap((freeze) => checkNames(reading, freeze)),
  ];
}

function namedTwice({ freezes }: FleetReading): readonly PathProblem[] {
  return freezes
    .filter(({ source }, index) => freezes.findIndex((other) => other.source.name === source.name) < index)
    .map(({ path, source }) => ({ path: [...path, "name"], sentence: `freeze '${source.name}' is declared twice` }));
}

const times = ["once", "yearly", "weekly"] as const;

function checkTime({ path, source }: Piece<FreezeSource>): readonly PathProblem[] {
  const [given, other] = times.filter((time) => source[time] !== undefined);
  if (given === undefined) {
    return [{ path, sentence: `freeze '${source.name}' has no time`, hint: "give it once, yearly or weekly" }];
  }
  if (other !== undefined) {
    const sentence = `freeze '${source.name}' is both ${given} and ${other}`;
    return [{ path: [...path, other], onKey: true, sentence, hint: "make two freezes of it" }];
  }
  if (source.once === undefined) return [];
  const from = parseLocalTime(source.once.from, source.zone, "start") ?? 0;
  const to = parseLocalTime(source.once.to, source.zone, "end") ?? 0;
  if (from < to) return [];
  return [{ path: [...path, "once", "to"], sentence: `freeze '${source.name}' ends before it begins` }];
}

function checkNames(reading: FleetReading, { path, source }: Piece<FreezeSource>): readonly PathProblem[] {
  const environments = reading.environments.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const sites = reading.sites.map(({ name }) => name);
  return [
    ...unknown([...path, "environments"], source.environments, environments, "environment", [
      ["environments", "*", "name"],
    ]),
    ...unknown([...path, "sites"], source.sites, sites, "site", [["sites"]]),
  ];
}

function unknown(
  path: FleetPath,
  named: readonly string[] | undefined,
  known: readonly string[],
  noun: string,
  about: readonly FleetPath[],
): readonly PathProblem[] {
  return (named ?? []).flatMap((name, index) => {
    if (known.includes(name)) return [];
    const nearest = nearestOf(name, known);
    const hint = nearest === undefined ? `${noun}s there are: ${known.join(", ")}` : `did you mean '${nearest}'?`;
    return [{ path: [...path, index], sentence: `there is no ${noun} '${name}'`, hint, about }];
  });
}
