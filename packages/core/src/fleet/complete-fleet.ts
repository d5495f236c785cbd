import type { ApprovalRule } from "../gates/approvals.ts";
import { type Freeze, type FreezeTime, parseLocalTime, parseMonthDay } from "../gates/freeze.ts";
import { minutesOf } from "../gates/local-time.ts";
import { parseDays, type TimeWindow } from "../gates/time-window.ts";
import { type DurationMs, durationMs, parseDuration } from "../units/time.ts";
import { completeHealth } from "./complete-health.ts";
import { completeNotifications } from "./complete-notifications.ts";
import type { Binding, Canary, Environment, Fleet, Gates, Host, Probe, Run, Site, WaveSize } from "./fleet.ts";
import type {
  BindingSource,
  DefaultsSource,
  EnvironmentSource,
  FleetSource,
  FreezeSource,
  HostSource,
  ProbeSource,
  RunSource,
  SiteSource,
} from "./fleet-source.ts";

/** What holds where neither the site nor `defaults` says anything. */
export const siteDefaults = {
  engine: "node",
  drain: "30s",
  hold: "20s",
  keepPrevious: "30m",
  maxUnavailable: 1,
} as const;

export const readyDefaults = { path: "/", within: "60s" } as const;
export const probeDefaults = { method: "GET", expect: 200, timeout: "5s" } as const;
export const environmentDefaults = { waves: [1, "100%"], unconfirmed: "revert", onRegression: "revert" } as const;
/** `maxWait` is twice the soak where that is longer. */
export const gateDefaults = {
  soak: "1m",
  maxWait: "1h",
  representativeness: true,
  coverage: true,
  monitoring: true,
} as const;
/** How long `attended: true` takes an acknowledgement for good: longer than a coffee, shorter than a night. */
export const attendedDefaults = { within: "30m" } as const;
export const wholeDay = "00:00-24:00";
/** All addresses of the host: what users expect of a plain server. */
export const hostDefaults = { address: "0.0.0.0" } as const;

/** Fills in every default. The source has passed shape and relations. */
export function completeFleet(source: FleetSource): Fleet {
  const hosts = source.hosts ?? {};
  const defaults = source.defaults ?? {};
  return {
    name: source.fleet,
    environments: source.environments.map((environment) => completeEnvironment(environment, defaults)),
    hosts: source.environments.flatMap((environment) =>
      environment.hosts.map((name) =>
        completeHost(name, environment.name, Object.hasOwn(hosts, name) ? hosts[name] : undefined),
      ),
    ),
    sites: Object.entries(source.sites).map(([name, site]) => ({
      ...completeSite(name, site, defaults),
      ...trialRules(site, source.environments, defaults),
    })),
    sharedPorts: [...(source.sharedPorts ?? [])].sort((a, b) => a - b),
    certificates: Object.entries(source.certificates ?? {}).map(([name, { cert, key, renewal }]) => ({
      name,
      certFile: cert,
      keyFile: key,
      ...(renewal === "report" ? { renewal } : {}),
    })),
    ...(source.freezes === undefined ? {} : { freezes: source.freezes.map(completeFreeze) }),
    ...(source.notifications === undefined ? {} : { notifications: completeNotifications(source.notifications) }),
    ...(source.defaults?.engine === undefined ? {} : { frontEngine: source.defaults.engine }),
  };
}

function completeEnvironment(source: EnvironmentSource, defaults: DefaultsSource): Environment {
  const { drift = defaults.drift } = source;
  return {
    name: source.name,
    hosts: source.hosts,
    waves: (source.waves ?? environmentDefaults.waves).map(waveSize),
    ...(source.canary === undefined ? {} : { canary: canaryOf(source.canary) }),
    ...(source.skipLostAfter === undefined ? {} : { skipLostMs: ms(source.skipLostAfter) }),
    gates: completeGates(source.gates ?? {}),
    unconfirmed: source.unconfirmed ?? environmentDefaults.unconfirmed,
    ...(drift === undefined ? {} : { drift }),
    ...(source.pendingAlertAfter === undefined ? {} : { pendingAlertMs: ms(source.pendingAlertAfter) }),
  };
}

const canaryOf = (source: NonNullable<EnvironmentSource["canary"]>): Canary =>
  source === "least-traffic" ? { kind: source } : { kind: "hosts", hosts: source };

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
    approval: (source.approval ?? []).map(completeApproval),
    maxWaitMs: source.maxWait === undefined ? longEnough : ms(source.maxWait),
    windows: windowsOf(source),
    ...attendedWithin(source.attended),
    representativeness: source.representativeness ?? gateDefaults.representativeness,
    coverage: source.coverage ?? gateDefaults.coverage,
    monitoring: source.monitoring ?? gateDefaults.monitoring,
  };
}

type GatesSource = NonNullable<EnvironmentSource["gates"]>;

const completeApproval = (rule: NonNullable<GatesSource["approval"]>[number]): ApprovalRule =>
  typeof rule === "string" ? { role: rule, count: 1 } : rule;

export function windowsOf({ window = [] }: Pick<GatesSource, "window">): readonly TimeWindow[] {
  return (Array.isArray(window) ? window : [window]).map(({ days, hours, zone }) => completeWindow(days, hours, zone));
}

function completeWindow(days: string, hours: string, zone: string): TimeWindow {
  const [opens = "", closes = ""] = hours.split("-");
  return { days: parseDays(days) ?? [], opens: minutesOf(opens), closes: minutesOf(closes), zone };
}

function attendedWithin(source: GatesSource["attended"]): Pick<Gates, "attendedWithinMs"> {
  if (source === undefined || source === false) return {};
  return { attendedWithinMs: ms(source === true ? attendedDefaults.within : source.within) };
}

function completeFreeze(source: FreezeSource): Freeze {
  const { name, reason, owner, environments = [], sites = [] } = source;
  return { name, reason, owner, environments, sites, when: freezeTime(source) };
}

function freezeTime({ once, yearly, weekly, zone }: FreezeSource): FreezeTime {
  if (once !== undefined) {
    return {
      kind: "once",
      from: checked(parseLocalTime(once.from, zone, "start")),
      to: checked(parseLocalTime(once.to, zone, "end")),
      zone,
    };
  }
  if (yearly !== undefined) {
    return { kind: "yearly", from: checked(parseMonthDay(yearly.from)), to: checked(parseMonthDay(yearly.to)), zone };
  }
  const { days, hours = wholeDay } = checked(weekly);
  return { kind: "weekly", window: completeWindow(days, hours, zone) };
}

/** Shape and relations have been checked. */
function checked<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("a checked value is missing");
  return value;
}

function completeHost(name: string, environment: string, source: HostSource | undefined): Host {
  return { name, environment, address: source?.address ?? hostDefaults.address, ports: source?.ports ?? {} };
}

function completeSite(name: string, source: SiteSource, defaults: DefaultsSource): Omit<Site, keyof TrialRules> {
  const given = { ...siteDefaults, ...stated(defaults), ...stated(source) };
  const { maxReverting = defaults.maxReverting } = source;
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
    ...(maxReverting === undefined ? {} : { maxReverting }),
    bindings: Object.fromEntries(
      Object.entries(source.bindings).map(([environment, bindings]) => [environment, bindings.map(completeBinding)]),
    ),
    probes: (source.probes ?? [{ path: ready.path }]).map(completeProbe),
    ...(source.drift === undefined ? {} : { drift: source.drift }),
  };
}

/** What a site states goes before what its environment states, and that before `defaults`. */
type TrialRules = Pick<Site, "onRegression" | "health">;

function trialRules(
  site: SiteSource,
  environments: readonly EnvironmentSource[],
  defaults: DefaultsSource,
): TrialRules {
  const bound = environments.flatMap((environment) => {
    const bindings = Object.hasOwn(site.bindings, environment.name) ? site.bindings[environment.name] : undefined;
    return bindings === undefined ? [] : [{ environment, bindings }];
  });
  return {
    onRegression: Object.fromEntries(
      bound.map(({ environment }) => [
        environment.name,
        site.onRegression ?? environment.onRegression ?? defaults.onRegression ?? environmentDefaults.onRegression,
      ]),
    ),
    health: Object.fromEntries(
      bound.map(({ environment, bindings }) => [
        environment.name,
        completeHealth({
          sources: [defaults.health, environment.health, site.health],
          bindings: bindings.map(({ name }) => name.toLowerCase()),
          gates: completeGates(environment.gates ?? {}),
        }),
      ]),
    ),
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
