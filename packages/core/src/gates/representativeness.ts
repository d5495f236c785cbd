import type { Binding, Environment, Fleet, Site } from "../fleet/fleet.ts";

/** Bindings of a kind that the environment below has none of: what passes there says nothing about them. */
export interface Unrepresented {
  /** The upper one, whose gate it closes. */
  readonly environment: string;
  readonly site: string;
  readonly sentence: string;
}

/**
 * Compares the kinds of every site's bindings with those in the nearest environment below that has the site: internal or
 * public, with or without TLS, with or without an edge. A site that is in one environment only has nothing below it.
 */
export function findUnrepresented(fleet: Fleet): readonly Unrepresented[] {
  return fleet.environments.flatMap((environment, index) => {
    const lower = fleet.environments.slice(0, index).reverse();
    return fleet.sites.flatMap((site) => {
      const below = lower.find(({ name }) => bindingsOf(site, name).length > 0);
      return below === undefined ? [] : compare(site, environment, below);
    });
  });
}

const bindingsOf = (site: Site, environment: string): readonly Binding[] =>
  Object.hasOwn(site.bindings, environment) ? (site.bindings[environment] ?? []) : [];

function compare(site: Site, upper: Environment, below: Environment): readonly Unrepresented[] {
  const lower = bindingsOf(site, below.name);
  const kinds = Map.groupBy(bindingsOf(site, upper.name), kindOf);
  return [...kinds].flatMap(([kind, bindings]) => {
    const [example] = bindings;
    if (example === undefined || lower.some((binding) => kindOf(binding) === kind)) return [];
    const alike = lower.filter((binding) => binding.kind === example.kind).length;
    const none = alike === 0 ? "" : ", none of them like that";
    const sentence = `${upper.name} has ${counted(bindings.length, example)} of ${site.name}${wayOf(example)}, ${below.name} has ${counted(alike, example)}${none}`;
    return [{ environment: upper.name, site: site.name, sentence }];
  });
}

const kindOf = ({ kind, tls, edge }: Binding): string => JSON.stringify([kind, tls !== undefined, edge !== undefined]);

const counted = (count: number, { kind }: Binding): string => `${count} ${kind} binding${count === 1 ? "" : "s"}`;

function wayOf({ kind, tls, edge }: Binding): string {
  const spoken = tls === undefined ? " in clear text" : " over TLS";
  if (kind === "internal") return spoken;
  return `${spoken} ${edge === undefined ? "without" : "with"} an edge`;
}
