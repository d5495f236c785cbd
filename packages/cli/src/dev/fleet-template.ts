import type { DevLayout } from "./dev-layout.ts";
import { titleOf } from "./sample-releases.ts";

/** The fleet file of a dev fleet, with comments for people who try things. */
export function devFleetFile(layout: DevLayout): string {
  const bindings = layout.environments
    .map(
      (environment) => `      ${environment.name}:
        - { name: ${environment.internalName}, kind: internal, port: 80 }
        - { name: ${environment.publicName}, kind: public, port: 80, edge: "${environment.edge}" }`,
    )
    .join("\n");
  const hosts = layout.hosts
    .map((host) => `  ${host.name}: { address: 127.0.0.1, ports: { 80: ${host.sharedPort}, 8080: ${host.ownPort} } }`)
    .join("\n");
  return `# A fleet on one machine: three hosts that differ in their ports only.
# Change something and run: sluice plan -f THIS_FILE, then sluice apply -f THIS_FILE
fleet: dev

environments: # the order is the order of promotion
${layout.environments.map((environment) => environmentText(environment, layout.soak)).join("\n")}

hosts: # all on loopback, so each listens elsewhere for the ports that bindings name
${hosts}

sharedPorts: [80] # owned by the front; every other port belongs to one site's proxy

defaults:
  engine: ${layout.engine} # what proxies and fronts run on: node is embedded, haproxy has to be installed
  drain: 5s
  keepPrevious: 30m
  health: { warmUp: 0s, minBake: ${layout.soak}, require: [probes] } # a wave of seconds has no time for what users prove; in real life leave this line out

sites:
  shop:
    run: { driver: process, command: [node, server.mjs] }
    ready: { path: /version, within: 2m }
    # internal: the shop is asked as its internal name, the public one travels in X-Public-Host.
    # preserve: it is asked as the public name, to which it is not bound; try it: sluice apply
    forward: { host: internal }
    bindings:
${bindings}
    probes:
      - { path: /healthz, expect: 200, timeout: 2s }
      - { path: /, expect: 200, contains: "${titleOf("shop")}", timeout: 2s }

  blog: # a site on a port of its own, in production only
    run: { driver: process, command: [node, server.mjs] }
    ready: { path: /version, within: 2m }
    forward: { host: internal }
    bindings:
      production:
        - { name: ${layout.blogName}, kind: internal, port: 8080 }
    probes:
      - { path: /, expect: 200, contains: "${titleOf("blog")}", timeout: 2s }
`;
}

function environmentText(environment: DevLayout["environments"][number], soak: string): string {
  const waves = environment.hosts.length > 1 ? "\n    waves: [1, 100%] # one host first, then the others" : "";
  return `  - name: ${environment.name}
    hosts: [${environment.hosts.join(", ")}]${waves}
    gates:
      soak: ${soak} # shortest time under observation; hours in real life`;
}
