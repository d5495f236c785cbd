import type { EngineName } from "@sluice/core";
import type { SlotPorts } from "../slots/slot-ports.ts";

export interface BenchSite {
  readonly name: string;
  /** Where its own port is bound. */
  readonly ownPort: number;
  /** What it is called there. */
  readonly ownName: string;
  /** What it is called on the shared port; absent when it is not reached there. */
  readonly sharedName?: string;
  /** The port that its binding names. */
  readonly bindingPort: number;
}

export interface BenchFleetShape {
  readonly engine: EngineName;
  readonly sites: readonly BenchSite[];
  readonly sharedPort: number;
  readonly slots: SlotPorts;
  /** Other ones make other releases of the sites: the external driver brings no files that could differ. */
  readonly version: number;
}

export const hostName = "web-1";
const firstBindingPort = 8001;
/** Sites that go through the front are added one after the other, since each takes a rollout of the front: not all of a hundred. */
const sharedMax = 20;

export function benchSite(index: number, ownPort: number): BenchSite {
  const name = `site-${index + 1}`;
  return {
    ...{ name, ownPort, bindingPort: firstBindingPort + index },
    ownName: `${name}.internal`,
    ...(index < sharedMax && { sharedName: `www.${name}.example` }),
  };
}

/** One host; every site with a port of its own, the first ones with a name on the shared port as well. Slots are somebody else's processes. */
export function benchFleetFile(shape: BenchFleetShape): string {
  const ports = shape.sites.map(({ bindingPort, ownPort }) => `${bindingPort}: ${ownPort}`);
  return [
    "fleet: bench",
    "environments:",
    `  - { name: production, hosts: [${hostName}], waves: [100%], gates: { soak: 10ms, maxWait: 5m } }`,
    "hosts:",
    `  ${hostName}: { address: 127.0.0.1, ports: { 80: ${shape.sharedPort}, ${ports.join(", ")} } }`,
    "sharedPorts: [80]",
    `defaults: { engine: ${shape.engine}, drain: 5s, health: { warmUp: 0s, minBake: 0s, require: [probes] } }`,
    "sites:",
    ...shape.sites.flatMap((site) => siteText(site, shape)),
    "",
  ].join("\n");
}

function siteText(site: BenchSite, { slots, version }: BenchFleetShape): readonly string[] {
  return [
    `  ${site.name}:`,
    `    run: { driver: external, addresses: { blue: "127.0.0.1:${slots.blue}", green: "127.0.0.1:${slots.green}" } }`,
    // A hundred first rollouts side by side take their time on a small machine, and how long is not what decides here: a step may
    // take twice this and two minutes.
    `    ready: { path: "/?${version}", within: 10m }`,
    "    bindings:",
    "      production:",
    `        - { name: ${site.ownName}, kind: internal, port: ${site.bindingPort} }`,
    ...(site.sharedName === undefined ? [] : [`        - { name: ${site.sharedName}, kind: public, port: 80 }`]),
    "    probes: [{ path: /, expect: 200, timeout: 5s }]",
  ];
}
