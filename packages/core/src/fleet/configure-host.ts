import type { DriftPolicy } from "../host/drift.ts";
import {
  frontUnit,
  type ProbedBinding,
  proxyUnit,
  type SiteDuties,
  siteUnit,
  type UnitRelease,
} from "../intent/intent.ts";
import { Problem } from "../problems/problem.ts";
import {
  defaultProxyLimits,
  type FrontRoute,
  type FrontSettings,
  type ProxyBinding,
  type ProxyListener,
  type SiteProxySettings,
} from "../proxying/proxy-settings.ts";
import type { Digest } from "../units/canonical-json.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import type { DurationMs } from "../units/time.ts";
import type { Binding, Certificate, Environment, Fleet, Host, Ready, Run, Site } from "./fleet.ts";

/** What the fleet file says about one host; only sites with bindings in the host's environment. */
export interface HostConfiguration {
  readonly host: string;
  readonly environment: string;
  readonly unconfirmed: "revert" | "keep";
  readonly drift: DriftPolicy;
  /** By site, of those that have a word of their own. */
  readonly siteDrift: Readonly<Record<string, DriftPolicy>>;
  readonly sites: readonly SiteDuties[];
  /** The release of every site's proxy: unit `proxy:<site>`, content {@link SiteProxySettings}. */
  readonly proxies: readonly UnitRelease[];
  /** The front with routes to all of these sites; absent when none has a binding on a shared port. */
  readonly front?: UnitRelease;
  readonly siteRun: readonly { readonly site: string; readonly run: Run; readonly ready: Ready }[];
}

export interface HostOptions {
  readonly probeEveryMs: DurationMs;
  /** Must be the same for one site on every call: a changed token changes the host's intent. */
  readonly probeTokenOf: (site: string) => string;
}

/** Derives everything of one host that the fleet file decides. Throws `host-unknown` for a host that is not in the fleet. */
export function configureHost(fleet: Fleet, hostName: string, digest: Digest, options: HostOptions): HostConfiguration {
  const { host, environment } = hostOf(fleet, hostName);
  const sites = sitesOn(fleet, environment.name);
  const front = frontFor(
    fleet,
    hostName,
    sites.map(({ name }) => name),
    digest,
  );
  return {
    host: hostName,
    environment: environment.name,
    unconfirmed: environment.unconfirmed,
    drift: environment.drift ?? "heal",
    siteDrift: Object.fromEntries(sites.flatMap(({ name, drift }) => (drift === undefined ? [] : [[name, drift]]))),
    sites: sites.map((site) => dutiesOf(fleet, host, site, options)),
    proxies: sites.map((site) => settingsRelease(proxyUnit(site.name), proxySettings(fleet, host, site), digest)),
    ...(front === undefined ? {} : { front }),
    siteRun: sites.map(({ name, run, ready }) => ({ site: name, run, ready })),
  };
}

/**
 * The front of a host with routes to exactly these sites (those live there or about to be), so that it never leads to a site
 * without a release. Absent when none of them has a binding on a shared port. Names of sites that are not on the host add nothing.
 */
export function frontFor(
  fleet: Fleet,
  hostName: string,
  sites: readonly string[],
  digest: Digest,
): UnitRelease | undefined {
  const { host, environment } = hostOf(fleet, hostName);
  const routes = sitesOn(fleet, environment.name)
    .filter(({ name }) => sites.includes(name))
    .flatMap((site) => routesOf(fleet, environment.name, site))
    .sort(byNameAndPort);
  if (routes.length === 0) return undefined;
  const settings: FrontSettings = {
    engine: fleet.frontEngine ?? "node",
    listeners: listenersFor(host, routes),
    routes,
    limits: defaultProxyLimits,
  };
  return settingsRelease(frontUnit, settings, digest);
}

/** The release of a site: a pushed artifact (absent for the `external` driver) together with how the fleet file runs it. */
export function siteRelease(
  site: Site,
  version: string,
  artifactDigest: string | undefined,
  digest: Digest,
): UnitRelease {
  const content = {
    site: site.name,
    ...(artifactDigest === undefined ? {} : { artifact: artifactDigest }),
    run: site.run,
    ready: site.ready,
  };
  return { unit: siteUnit(site.name), version, digest: digest(canonicalJson(content)), content };
}

/** The site's bindings in an environment; empty when it is not there. */
export function bindingsIn(site: Site, environment: string): readonly Binding[] {
  return Object.hasOwn(site.bindings, environment) ? (site.bindings[environment] ?? []) : [];
}

/** The sites that hosts of an environment carry, in the order of the file. */
export const sitesOn = (fleet: Fleet, environment: string): readonly Site[] =>
  fleet.sites.filter((site) => bindingsIn(site, environment).length > 0);

function hostOf(fleet: Fleet, name: string): { readonly host: Host; readonly environment: Environment } {
  const host = fleet.hosts.find((candidate) => candidate.name === name);
  const environment = fleet.environments.find((candidate) => candidate.name === host?.environment);
  if (host === undefined || environment === undefined) {
    throw new Problem("host-unknown", `cannot configure host '${name}': it is not in fleet ${fleet.name}`);
  }
  return { host, environment };
}

/** Where a binding port is really listened on. */
export const realPort = (host: Host, bindingPort: number): number =>
  Object.hasOwn(host.ports, bindingPort) ? (host.ports[String(bindingPort)] ?? bindingPort) : bindingPort;

function settingsRelease(
  unit: UnitRelease["unit"],
  content: SiteProxySettings | FrontSettings,
  digest: Digest,
): UnitRelease {
  const value = digest(canonicalJson(content));
  return { unit, version: `settings ${value.slice(value.indexOf(":") + 1).slice(0, 8)}`, digest: value, content };
}

function proxySettings(fleet: Fleet, host: Host, site: Site): SiteProxySettings {
  const declared = bindingsIn(site, host.environment);
  const bindings = declared.map((binding) => proxyBinding(fleet, binding)).sort(byNameAndPort);
  const own = bindings.filter(({ bindingPort }) => !fleet.sharedPorts.includes(bindingPort));
  const internalName = (declared.find(({ kind }) => kind === "internal") ?? declared[0])?.name ?? site.name;
  return {
    site: site.name,
    engine: site.engine,
    listeners: listenersFor(host, own),
    behindFront: own.length < bindings.length,
    bindings,
    forward: { host: site.forward.host, internalName },
    limits: { ...defaultProxyLimits, holdMs: site.holdMs },
  };
}

function routesOf(fleet: Fleet, environment: string, site: Site): readonly FrontRoute[] {
  return bindingsIn(site, environment)
    .filter(({ port }) => fleet.sharedPorts.includes(port))
    .map((binding) => ({ ...proxyBinding(fleet, binding), site: site.name }));
}

function proxyBinding(fleet: Fleet, binding: Binding): ProxyBinding {
  const certificate = fleet.certificates.find(({ name }) => name === binding.tls);
  return {
    name: binding.name,
    kind: binding.kind,
    bindingPort: binding.port,
    ...(certificate === undefined ? {} : { certificate: filesOf(certificate) }),
  };
}

/** What is done about renewals is nothing that a proxy is made of. */
const filesOf = ({ name, certFile, keyFile }: Certificate) => ({ name, certFile, keyFile });

/** One listener for each port; a port speaks TLS for all of its bindings or for none. */
function listenersFor(host: Host, bindings: readonly ProxyBinding[]): readonly ProxyListener[] {
  const tlsByPort = new Map(bindings.map(({ bindingPort, certificate }) => [bindingPort, certificate !== undefined]));
  return [...tlsByPort]
    .sort(([a], [b]) => a - b)
    .map(([bindingPort, tls]) => ({ bindingPort, address: host.address, port: realPort(host, bindingPort), tls }));
}

/** The order in the file says nothing about behaviour, so it must not reach the digest. */
const byNameAndPort = (a: ProxyBinding, b: ProxyBinding): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.bindingPort - b.bindingPort;

function dutiesOf(fleet: Fleet, host: Host, site: Site, options: HostOptions): SiteDuties {
  return {
    site: site.name,
    forward: site.forward,
    drainMs: site.drainMs,
    keepPreviousMs: site.keepPreviousMs,
    probeEveryMs: options.probeEveryMs,
    probeToken: options.probeTokenOf(site.name),
    probes: site.probes,
    bindings: bindingsIn(site, host.environment).map((binding) => probedBinding(fleet, host, binding)),
  };
}

function probedBinding(fleet: Fleet, host: Host, binding: Binding): ProbedBinding {
  return {
    name: binding.name,
    kind: binding.kind,
    bindingPort: binding.port,
    address: dialled(host.address),
    port: realPort(host, binding.port),
    tls: binding.tls !== undefined,
    shared: fleet.sharedPorts.includes(binding.port),
    ...(binding.edge === undefined ? {} : { edge: binding.edge }),
  };
}

/** A listener on all addresses is reached over loopback: one cannot connect to a wildcard everywhere. */
const dialled = (address: string): string => (address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address);
