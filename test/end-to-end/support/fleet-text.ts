import type { EngineName } from "@sluice/core";

export interface FleetShape {
  readonly engine: EngineName;
  readonly hosts: readonly HostPorts[];
  readonly sites: readonly string[];
  /** Hosts by wave, as in the fleet file. */
  readonly waves: string;
  readonly soak: string;
  readonly drain: string;
  readonly forward: "preserve" | "internal";
  readonly onRegression: "revert" | "hold";
  readonly approval: string | undefined;
  /** Goes into the slots' command line, so that every process of the fleet is found by it. */
  readonly dir: string;
}

export interface HostPorts {
  readonly name: string;
  /** Where port 80, which all sites share, is bound. */
  readonly sharedPort: number;
  /** Where each site's own port is bound, by site. */
  readonly ownPorts: Readonly<Record<string, number>>;
}

/** The port of a site that no other site uses, so that its proxy listens on it itself. */
export const ownBindingPort = (sites: readonly string[], site: string): number => 8080 + sites.indexOf(site);

export const internalName = (site: string): string => `${site}.internal`;
export const publicName = (site: string): string => `www.${site}.example`;
export const directName = (site: string): string => `direct.${site}.internal`;
export const titleOf = (site: string): string => `Welcome to ${site}`;

/** One environment; every site on a port shared through the front and on one of its own. */
export function fleetText(shape: FleetShape): string {
  const { engine, hosts, sites, waves, soak, approval } = shape;
  const gates = `soak: ${soak}, maxWait: 2m${approval === undefined ? "" : `, approval: [${approval}]`}`;
  return [
    "fleet: e2e",
    "environments:",
    `  - { name: production, hosts: [${hosts.map(({ name }) => name).join(", ")}], waves: [${waves}], gates: { ${gates} } }`,
    "hosts:",
    ...hosts.map((host) => hostText(host, sites)),
    "sharedPorts: [80]",
    `defaults: { engine: ${engine}, health: { warmUp: 0s, minBake: 0s, require: [probes] } }`,
    "sites:",
    ...sites.flatMap((site) => siteText(site, shape)),
    "",
  ].join("\n");
}

function hostText({ name, sharedPort, ownPorts }: HostPorts, sites: readonly string[]): string {
  const own = sites.map((site) => `${ownBindingPort(sites, site)}: ${ownPorts[site]}`);
  return `  ${name}: { address: 127.0.0.1, ports: { 80: ${sharedPort}, ${own.join(", ")} } }`;
}

function siteText(site: string, { sites, drain, forward, onRegression, dir, hosts }: FleetShape): readonly string[] {
  return [
    `  ${site}:`,
    `    run: { driver: process, command: [node, server.mjs, "${dir}"] }`,
    "    ready: { path: /about, within: 20s }",
    `    forward: { host: ${forward} }`,
    `    drain: ${drain}`,
    `    onRegression: ${onRegression}`,
    `    maxUnavailable: ${hosts.length}`,
    "    bindings:",
    "      production:",
    `        - { name: ${internalName(site)}, kind: internal, port: 80 }`,
    `        - { name: ${publicName(site)}, kind: public, port: 80 }`,
    `        - { name: ${directName(site)}, kind: internal, port: ${ownBindingPort(sites, site)} }`,
    `    probes: [{ path: /, expect: 200, contains: "${titleOf(site)}", timeout: 2s }]`,
  ];
}
