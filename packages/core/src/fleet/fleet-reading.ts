import type { FleetPath } from "./fleet-problem.ts";
import type {
  BindingSource,
  CertificateSource,
  EnvironmentSource,
  FreezeSource,
  HostSource,
  SiteSource,
} from "./fleet-source.ts";
import type { HealthSource } from "./health-source.ts";
import type { NotificationsSource } from "./notifications-source.ts";

/** A piece of the file whose shape is sound, and where it is. */
export interface Piece<T> {
  readonly path: FleetPath;
  readonly source: T;
}

export interface NamedPiece<T> extends Piece<T> {
  readonly name: string;
}

/** One environment, as far as its parts are sound. */
export interface EnvironmentPiece {
  readonly path: FleetPath;
  readonly name?: string;
  readonly hosts: readonly Piece<string>[];
  readonly waves?: Piece<NonNullable<EnvironmentSource["waves"]>>;
  readonly canary?: Piece<NonNullable<EnvironmentSource["canary"]>>;
  readonly gates?: Piece<NonNullable<EnvironmentSource["gates"]>>;
  readonly health?: Piece<HealthSource>;
}

export interface SitePiece {
  readonly name: string;
  readonly path: FleetPath;
  /** Environments that its bindings name, sound or not. */
  readonly environments: readonly string[];
  /** The value of a key, when it is there and sound. */
  readonly get: <K extends keyof SiteSource>(key: K) => SiteSource[K] | undefined;
}

export interface BindingPiece extends Piece<BindingSource> {
  readonly site: string;
  readonly environment: string;
  /** As browsers send it. */
  readonly name: string;
}

/** The sound pieces of a file that may be broken elsewhere, so that relations can be judged all the same. */
export interface FleetReading {
  readonly environments: readonly EnvironmentPiece[];
  readonly hosts: readonly NamedPiece<HostSource>[];
  readonly sharedPorts: readonly Piece<number>[];
  readonly certificates: readonly NamedPiece<CertificateSource>[];
  readonly defaultHealth?: Piece<HealthSource>;
  readonly freezes: readonly Piece<FreezeSource>[];
  /** Present when all of it is sound. */
  readonly notifications?: Piece<NotificationsSource>;
  readonly sites: readonly SitePiece[];
  readonly bindings: readonly BindingPiece[];
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

type IsSound = (path: FleetPath) => boolean;

export function readSound(root: unknown, damaged: readonly FleetPath[]): FleetReading {
  const isSound: IsSound = (path) => !damaged.some((broken) => overlap(broken, path));
  const top = mapOf(root);
  const sites = Object.entries(mapOf(top.sites));
  const defaultHealth = soundPart<HealthSource>(isSound, ["defaults"], mapOf(top.defaults), "health");
  const notifications = soundPart<NotificationsSource>(isSound, [], top, "notifications");
  return {
    environments: listOf(top.environments).map((value, index) =>
      environmentPiece(isSound, ["environments", index], mapOf(value)),
    ),
    hosts: soundEntries<HostSource>(isSound, "hosts", top.hosts),
    sharedPorts: soundItems<number>(isSound, ["sharedPorts"], top.sharedPorts),
    freezes: soundItems<FreezeSource>(isSound, ["freezes"], top.freezes),
    certificates: soundEntries<CertificateSource>(isSound, "certificates", top.certificates),
    sites: sites.map(([name, value]) => sitePiece(isSound, name, mapOf(value))),
    bindings: sites.flatMap(([name, value]) => bindingPieces(isSound, name, mapOf(mapOf(value).bindings))),
    ...(defaultHealth === undefined ? {} : { defaultHealth }),
    ...(notifications === undefined ? {} : { notifications }),
  };
}

function soundPart<T>(
  isSound: IsSound,
  above: FleetPath,
  value: Readonly<Record<string, unknown>>,
  key: string,
): Piece<T> | undefined {
  const path = [...above, key];
  return value[key] !== undefined && isSound(path) ? { path, source: value[key] as T } : undefined;
}

function environmentPiece(
  isSound: IsSound,
  path: FleetPath,
  value: Readonly<Record<string, unknown>>,
): EnvironmentPiece {
  const part = <T>(key: string): Piece<T> | undefined => soundPart<T>(isSound, path, value, key);
  const name = part<string>("name")?.source;
  const waves = part<NonNullable<EnvironmentSource["waves"]>>("waves");
  const canary = part<NonNullable<EnvironmentSource["canary"]>>("canary");
  const gates = part<NonNullable<EnvironmentSource["gates"]>>("gates");
  const health = part<HealthSource>("health");
  return {
    path,
    hosts: soundItems<string>(isSound, [...path, "hosts"], value.hosts),
    ...(name === undefined ? {} : { name }),
    ...(waves === undefined ? {} : { waves }),
    ...(canary === undefined ? {} : { canary }),
    ...(gates === undefined ? {} : { gates }),
    ...(health === undefined ? {} : { health }),
  };
}

function sitePiece(isSound: IsSound, name: string, value: Readonly<Record<string, unknown>>): SitePiece {
  return {
    name,
    path: ["sites", name],
    environments: Object.keys(mapOf(value.bindings)),
    get: (key) => (isSound(["sites", name, key]) ? (value[key] as SiteSource[typeof key] | undefined) : undefined),
  };
}

function bindingPieces(isSound: IsSound, site: string, bindings: Readonly<Record<string, unknown>>): BindingPiece[] {
  return Object.entries(bindings).flatMap(([environment, list]) =>
    soundItems<BindingSource>(isSound, ["sites", site, "bindings", environment], list).map((piece) => ({
      ...piece,
      site,
      environment,
      name: piece.source.name.toLowerCase(),
    })),
  );
}

function soundEntries<T>(isSound: IsSound, key: string, value: unknown): NamedPiece<T>[] {
  return Object.entries(mapOf(value))
    .map(([name, source]) => ({ name, path: [key, name], source: source as T }))
    .filter(({ path }) => isSound(path));
}

function soundItems<T>(isSound: IsSound, path: FleetPath, value: unknown): Piece<T>[] {
  return listOf(value)
    .map((source, index) => ({ path: [...path, index], source: source as T }))
    .filter((piece) => isSound(piece.path));
}

const mapOf = (value: unknown): Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
