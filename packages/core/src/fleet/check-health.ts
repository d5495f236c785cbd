import { canonicalJson } from "../units/canonical-json.ts";
import { durationMs, formatDuration } from "../units/time.ts";
import { completeGates } from "./complete-fleet.ts";
import { completeHealth, selectorOf } from "./complete-health.ts";
import type { FleetPath } from "./fleet-problem.ts";
import type { EnvironmentPiece, FleetReading, Piece, SitePiece } from "./fleet-reading.ts";
import type { HealthSource, StrataSource } from "./health-source.ts";
import { selectorWords } from "./health-words.ts";
import { nearestOf } from "./nearest.ts";
import type { PathProblem } from "./path-problem.ts";

/** Host names that health speaks of exist, nothing is required and ignored at once, and a pass is possible in time. */
export function checkHealth(reading: FleetReading): readonly PathProblem[] {
  const spoken = spokenHealth(reading);
  return [
    ...spoken.flatMap(checkNames),
    ...spoken.flatMap(({ health }) => [...emptySelectors(health), ...requiredAndIgnored(health)]),
    ...reading.environments.flatMap((environment) => passInTime(reading, environment)),
  ];
}

/** What one place of the file says about health, and the host names it may speak of. */
interface SpokenHealth {
  readonly health: Piece<HealthSource>;
  /** `in production`, `of site 'shop'`; empty for the whole fleet. */
  readonly where: string;
  readonly bindings: readonly string[];
  readonly bindingPath: FleetPath;
}

function spokenHealth({ defaultHealth, environments, sites, bindings }: FleetReading): readonly SpokenHealth[] {
  const anywhere: FleetPath = ["sites", "*", "bindings"];
  const namesOf = (belongs: (binding: FleetReading["bindings"][number]) => boolean): readonly string[] => [
    ...new Set(bindings.filter(belongs).map(({ name }) => name)),
  ];
  return [
    ...(defaultHealth === undefined
      ? []
      : [{ health: defaultHealth, where: "", bindings: namesOf(() => true), bindingPath: anywhere }]),
    ...environments.flatMap(({ name, health }) => {
      if (health === undefined || name === undefined) return [];
      const here = namesOf(({ environment }) => environment === name);
      return [{ health, where: ` in ${name}`, bindings: here, bindingPath: [...anywhere, name] }];
    }),
    ...sites.flatMap((site) => {
      const health = healthOf(site);
      if (health === undefined) return [];
      const its = namesOf((binding) => binding.site === site.name);
      return [{ health, where: ` of site '${site.name}'`, bindings: its, bindingPath: [...site.path, "bindings"] }];
    }),
  ];
}

function healthOf(site: SitePiece): Piece<HealthSource> | undefined {
  const source = site.get("health");
  return source === undefined ? undefined : { path: [...site.path, "health"], source };
}

function checkNames({ health, where, bindings, bindingPath }: SpokenHealth): readonly PathProblem[] {
  return (["require", "ignore"] as const).flatMap((key) =>
    (health.source[key] ?? []).flatMap((written, index) => {
      const { binding } = selectorOf(written);
      if (binding === undefined || bindings.includes(binding)) return [];
      const nearest = nearestOf(binding, bindings);
      const hint = nearest === undefined ? `bindings there are: ${bindings.join(", ")}` : `did you mean '${nearest}'?`;
      const sentence = `there is no binding '${binding}'${where}`;
      return [{ path: [...health.path, key, index, "binding"], sentence, hint, about: [bindingPath] }];
    }),
  );
}

function emptySelectors({ path, source }: Piece<HealthSource>): readonly PathProblem[] {
  return (["require", "ignore"] as const).flatMap((key) =>
    (source[key] ?? []).flatMap((written, index) =>
      typeof written === "object" && Object.keys(written).length === 0
        ? [{ path: [...path, key, index], sentence: "found an empty map, wanted binding, hop or indicator" }]
        : [],
    ),
  );
}

function requiredAndIgnored({ path, source }: Piece<HealthSource>): readonly PathProblem[] {
  const textOf = (written: StrataSource[number]): string => canonicalJson(selectorOf(written));
  const required = new Set((source.require ?? []).map(textOf));
  return (source.ignore ?? []).flatMap((written, index) => {
    if (!required.has(textOf(written))) return [];
    const sentence = `${selectorWords(selectorOf(written))} is required and ignored at once`;
    return [{ path: [...path, "ignore", index], sentence, hint: "keep one of them" }];
  });
}

/** Only a wait that somebody wrote can be too short: the usual one is long. */
function passInTime(reading: FleetReading, environment: EnvironmentPiece): readonly PathProblem[] {
  const { gates, name } = environment;
  if (gates?.source.maxWait === undefined || name === undefined) return [];
  const complete = completeGates(gates.source);
  const overMs = durationMs(complete.soakMs + complete.maxWaitMs);
  const late = reading.sites
    .filter((site) => site.environments.includes(name))
    .flatMap((site) => {
      const sources = [reading.defaultHealth?.source, environment.health?.source, site.get("health")];
      const { warmUpMs, minBakeMs } = completeHealth({ sources, bindings: [], gates: complete });
      return warmUpMs + minBakeMs < overMs ? [] : [{ site, warmUpMs, minBakeMs }];
    });
  const [first] = late;
  if (first === undefined) return [];
  const passes = `${formatDuration(first.warmUpMs)} of warm-up and ${formatDuration(first.minBakeMs)} of minBake`;
  return [
    {
      path: [...gates.path, "maxWait"],
      sentence: `no wave of '${first.site.name}' could pass: an observation ends after soak and maxWait, ${formatDuration(overMs)}, and a host passes after ${passes} at the earliest`,
      hint: "make maxWait longer, or health.warmUp and health.minBake shorter",
      about: [
        ["defaults", "health"],
        [...environment.path, "health"],
        [...first.site.path, "health"],
      ],
    },
  ];
}
