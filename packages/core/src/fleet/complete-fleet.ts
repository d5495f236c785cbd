import { type DurationMs, durationMs, parseDuration } from "../units/time.ts";
import type { Binding, Environment, Fleet, Gates, Host, Probe, Run, Site, WaveSize } from "./fleet.ts";
import type {
  BindingSource,
  DefaultsSource,
  EnvironmentSource,
  FleetSource,
  HostSource,
  ProbeSource,
  RunSource,
  SiteSource,
} from "./fleet-source.ts";

/** What holds where neither the site nor `defaults` says anything. */
export const siteDefaults = {
  engine: "node",
  onRegression: "revert",
  drain: "30s",
  hold: "20s",
  keepPrevious: "30m",
  maxUnavailable: 1,
} as const;

export const readyDefaults = { path: "/", within: "60s" } as const;
export const probeDefaults = { method: "GET", expect: 200, timeout: "5s" } as const;
export const environmentDefaults = { waves: [1, "100%"], unconfirmed: "revert" } as const;
/** `maxWait` is twice the soak where that is longer. */
export const gateDefaults = { soak: "1m", maxWait: "1h" } as const;
/** All addresses of the host: what users expect of a plain server. */
export const hostDefaults = { address: "0.0.0.0" } as const;

/** Fills in every default. The source has passed shape and relations. */
export function completeFleet(source: FleetSource): Fleet {
  const hosts = source.hosts ?? {};
  return {
    name: source.fleet,
    environments: source.environments.map(completeEnvironment),
    hosts: source.environments.flatMap((environment) =>
      environment.hosts.map((name) =>
        completeHost(name, environment.name, Object.hasOwn(hosts, name) ? hosts[name] : undefined),
      ),
    ),
    sites: Object.entries(source.sites).map(([name, site]) => completeSite(name, site, source.defaults ?? {})),
    sharedPorts: [...(source.sharedPorts ?? [])].sort((a, b) => a - b),
    certificates: Object.entries(source.certificates ?? {}).map(([name, { cert, key }]) => ({
      name,
      certFile: cert,
      keyFile: key,
    })),
    ...(source.defaults?.engine === undefined ? {} : { frontEngine: source.defaults.engine }),
  };
}

function completeEnvironment(source: EnvironmentSource): Environment {
  return {
    name: source.name,
    hosts: source.hosts,
    waves: (source.waves ?? environmentDefaults.waves).map(waveSize),
    gates: completeGates(source.gates ?? {}),
    unconfirmed: source.unconfirmed ?? environmentDefaults.unconfirmed,
  };
}

/** `1` one host, `"50%"` half of the hosts. */
export function waveSize(wave: number | string): WaveSize {
  return typeof wave === "number" ? { kind: "hosts", count: wave } : { kind: "percent", percent: percentOf(wave) };
}

const percentOf = (text: string): number => Number(text.slice(0, -1));

export function completeGates(source: NonNullable<EnvironmentSource["gates"]>): Gates {
  const soakMs = ms(source.soak ?? gateDefaults.soak);
  const longEnough = durationMs(Math.max(ms(gateDefaults.maxWait), 2 * soakMs));
  return {
    soakMs,
    approval: source.approval ?? [],
    maxWaitMs: source.maxWait === undefined ? longEnough : ms(source.maxWait),
  };
}

function completeHost(name: string, environment: string, source: HostSource | undefined): Host {
  return { name, environment, address: source?.address ?? hostDefaults.address, ports: source?.ports ?? {} };
}

function completeSite(name: string, source: SiteSource, defaults: DefaultsSource): Site {
  const given = { ...siteDefaults, ...stated(defaults), ...stated(source) };
  const ready = {
    path: source.ready?.path ?? readyDefaults.path,
    withinMs: ms(source.ready?.within ?? readyDefaults.within),
  };
  return {
    name,
    engine: given.engine,
    run: completeRun(source.run),
    ready,
    forward: { host: source.forward?.host ?? "preserve" },
    drainMs: ms(given.drain),
    keepPreviousMs: ms(given.keepPrevious),
    holdMs: ms(given.hold),
    maxUnavailable: given.maxUnavailable,
    onRegression: given.onRegression,
    bindings: Object.fromEntries(
      Object.entries(source.bindings).map(([environment, bindings]) => [environment, bindings.map(completeBinding)]),
    ),
    probes: (source.probes ?? [{ path: ready.path }]).map(completeProbe),
  };
}

type Settable = Pick<DefaultsSource, keyof typeof siteDefaults>;

function stated(source: Settable): { [K in keyof Settable]-?: NonNullable<Settable[K]> } | Record<never, never> {
  const keys = Object.keys(siteDefaults) as (keyof typeof siteDefaults)[];
  return Object.fromEntries(keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]]));
}

function completeRun(source: RunSource): Run {
  if (source.driver === "process") return { driver: "process", command: source.command, env: source.env ?? {} };
  return {
    driver: "external",
    addresses: source.addresses,
    ...(source.start === undefined ? {} : { start: source.start }),
    ...(source.stop === undefined ? {} : { stop: source.stop }),
  };
}

function completeBinding(source: BindingSource): Binding {
  return {
    name: source.name.toLowerCase(),
    kind: source.kind,
    port: source.port,
    ...(source.tls === undefined ? {} : { tls: source.tls }),
    ...(source.edge === undefined ? {} : { edge: source.edge }),
  };
}

function completeProbe(source: ProbeSource): Probe {
  const expect = source.expect ?? probeDefaults.expect;
  return {
    path: source.path,
    method: source.method ?? probeDefaults.method,
    headers: source.headers ?? {},
    ...(source.body === undefined ? {} : { body: source.body }),
    expect: typeof expect === "number" ? [expect] : expect,
    ...(source.contains === undefined ? {} : { contains: source.contains }),
    timeoutMs: ms(source.timeout ?? probeDefaults.timeout),
  };
}

function ms(text: string): DurationMs {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new TypeError(`a checked duration is not one: ${text}`);
  return parsed;
}
