import type { FleetPath } from "./fleet-problem.ts";
import type { BindingSource, CertificateSource, EnvironmentSource, HostSource, SiteSource } from "./fleet-source.ts";

/** A piece of the file whose shape is sound, and where it is. */
export interface Piece<T> {
  readonly path: FleetPath;
  readonly source: T;
}

export interface BindingPiece extends Piece<BindingSource> {
  readonly site: string;
  readonly environment: string;
}

/** The sound pieces of a file that may be broken elsewhere, so that relations can be judged all the same. */
export interface FleetReading {
  readonly environments: readonly Piece<EnvironmentSource>[];
  readonly hosts: readonly (Piece<HostSource> & { readonly name: string })[];
  readonly sharedPorts: readonly Piece<number>[];
  readonly certificates: readonly (Piece<CertificateSource> & { readonly name: string })[];
  readonly sites: readonly {
    readonly name: string;
    readonly path: FleetPath;
    readonly source: Readonly<Record<string, unknown>>;
  }[];
  readonly bindings: readonly BindingPiece[];
  /** The site's value under `key` when it is sound and there. */
  readonly siteValue: <K extends keyof SiteSource>(site: string, key: K) => SiteSource[K] | undefined;
}

/** True when one path leads through the other; `*` stands for any one segment. */
export function overlap(a: FleetPath, b: FleetPath): boolean {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const left = a[index];
    const right = b[index];
    if (left !== "*" && right !== "*" && String(left) !== String(right)) return false;
  }
  return true;
}

export function readSound(root: unknown, damaged: readonly FleetPath[]): FleetReading {
  const sound = (path: FleetPath): boolean => !damaged.some((broken) => overlap(broken, path));
  const top = mapOf(root);
  const soundEntries = <T>(key: string): (Piece<T> & { readonly name: string })[] =>
    Object.entries(mapOf(top[key]))
      .map(([name, source]) => ({ name, path: [key, name], source: source as T }))
      .filter(({ path }) => sound(path));
  const soundItems = <T>(path: FleetPath, value: unknown): Piece<T>[] =>
    listOf(value)
      .map((source, index) => ({ path: [...path, index], source: source as T }))
      .filter((piece) => sound(piece.path));
  const sites = Object.entries(mapOf(top.sites)).map(([name, source]) => ({
    name,
    path: ["sites", name],
    source: mapOf(source),
  }));
  return {
    environments: soundItems<EnvironmentSource>(["environments"], top.environments),
    hosts: soundEntries<HostSource>("hosts"),
    sharedPorts: soundItems<number>(["sharedPorts"], top.sharedPorts),
    certificates: soundEntries<CertificateSource>("certificates"),
    sites,
    bindings: sites.flatMap((site) =>
      Object.entries(mapOf(site.source.bindings)).flatMap(([environment, list]) =>
        soundItems<BindingSource>([...site.path, "bindings", environment], list).map((piece) => ({
          ...piece,
          site: site.name,
          environment,
        })),
      ),
    ),
    siteValue: (site, key) => {
      const value = mapOf(mapOf(top.sites)[site])[key];
      return value !== undefined && sound(["sites", site, key]) ? (value as SiteSource[typeof key]) : undefined;
    },
  };
}

const mapOf = (value: unknown): Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
