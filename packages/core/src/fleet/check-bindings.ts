import { formatPath } from "./fleet-problem.ts";
import type { BindingPiece, FleetReading, SitePiece } from "./fleet-reading.ts";
import { nearestOf } from "./nearest.ts";
import type { PathProblem } from "./path-problem.ts";

/** Every binding belongs to one site, in an environment there is, with a certificate there is. */
export function checkBindings(reading: FleetReading): readonly PathProblem[] {
  return [
    ...reading.sites.flatMap((site) => environmentsOf(reading, site)),
    ...declaredTwice(reading),
    ...reading.bindings.flatMap((binding) => certificateOf(reading, binding)),
    ...reading.bindings.flatMap(edgeOf),
    ...reading.sites.flatMap((site) => internalNames(reading, site)),
  ];
}

function environmentsOf({ environments }: FleetReading, site: SitePiece): readonly PathProblem[] {
  const path = [...site.path, "bindings"];
  if (site.environments.length === 0) {
    const sentence = `site '${site.name}' has no bindings, so that nobody could reach it`;
    return [{ path, sentence, about: [path] }];
  }
  const known = environments.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return site.environments
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: [...path, name],
      onKey: true,
      sentence: `there is no environment '${name}'`,
      hint: suggestion(name, known, "environments"),
      about: [
        ["environments", "*", "name"],
        [...path, name],
      ],
    }));
}

function suggestion(wrong: string, known: readonly string[], noun: string): string {
  const nearest = nearestOf(wrong, known);
  if (nearest !== undefined) return `did you mean '${nearest}'?`;
  return known.length === 0 ? `declare it under ${noun}` : `${noun} there are: ${known.join(", ")}`;
}

function declaredTwice({ bindings }: FleetReading): readonly PathProblem[] {
  const seen = new Map<string, BindingPiece>();
  return bindings.flatMap((binding) => {
    const key = JSON.stringify([binding.environment, binding.name, binding.source.port]);
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, binding);
      return [];
    }
    const sentence = `${binding.name}:${binding.source.port} in ${binding.environment} belongs to site '${earlier.site}' already (${formatPath(earlier.path)})`;
    return [{ path: binding.path, sentence }];
  });
}

function certificateOf({ certificates }: FleetReading, { source, path }: BindingPiece): readonly PathProblem[] {
  const { tls } = source;
  const names = certificates.map(({ name }) => name);
  if (tls === undefined || names.includes(tls)) return [];
  return [
    {
      path: [...path, "tls"],
      sentence: `there is no certificate '${tls}'`,
      hint: suggestion(tls, names, "certificates"),
      about: [["certificates", tls]],
    },
  ];
}

function edgeOf({ source, path }: BindingPiece): readonly PathProblem[] {
  if (source.edge === undefined || source.kind === "public") return [];
  const sentence = "an internal binding has no edge: outsiders don't come in by it";
  return [{ path: [...path, "edge"], sentence, hint: "remove edge, or make it kind: public" }];
}

function internalNames({ bindings }: FleetReading, site: SitePiece): readonly PathProblem[] {
  if (site.get("forward")?.host !== "internal") return [];
  return site.environments
    .filter(
      (name) =>
        !bindings.some(
          ({ site: of, environment, source }) => of === site.name && environment === name && source.kind === "internal",
        ),
    )
    .map((name) => ({
      path: [...site.path, "bindings", name],
      onKey: true,
      sentence: `forward.host internal needs an internal binding in ${name}, to be the Host that slots get`,
      hint: "add a binding with kind: internal, or use forward: { host: preserve }",
      about: [[...site.path, "bindings", name]],
    }));
}
