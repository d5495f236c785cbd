import type { Fleet } from "./fleet.ts";
import type { FleetProblem } from "./fleet-problem.ts";
import { parseFleetFile } from "./parse-fleet-file.ts";

/** What a test wants to be unusual; everything else is the healthy case. */
export interface FleetTextParts {
  /** One more line at the top level. */
  readonly top?: string;
  /** One more line in the environment. */
  readonly environment?: string;
  /** One more line in the site. */
  readonly site?: string;
  readonly run?: string;
  readonly bindings?: string;
}

const boundInternally = "{ name: shop.internal, kind: internal, port: 80 }";

/** A small fleet file: one environment, two hosts, one site. The bindings are in line 10. */
export function fleetText(parts: FleetTextParts = {}): string {
  return [
    "fleet: acme",
    "environments:",
    "  - name: production",
    "    hosts: [web-1, web-2]",
    `    ${parts.environment ?? "# no more"}`,
    parts.top ?? "# no more",
    "sites:",
    "  shop:",
    `    run: ${parts.run ?? "{ driver: process, command: [node, server.js] }"}`,
    `    bindings: { production: [${parts.bindings ?? boundInternally}] }`,
    `    ${parts.site ?? "# no more"}`,
    "",
  ].join("\n");
}

/** The fleet of a text that has to be valid. */
export function parsed(text: string): Fleet {
  const result = parseFleetFile([{ file: "fleet.yaml", text }]);
  if (result.kind === "invalid")
    throw new Error(result.problems.map(({ line, path, sentence }) => `${line} ${path}: ${sentence}`).join("\n"));
  return result.fleet;
}

/** What is wrong with a text; empty when nothing is. */
export function problemsIn(text: string): readonly FleetProblem[] {
  const result = parseFleetFile([{ file: "fleet.yaml", text }]);
  return result.kind === "invalid" ? result.problems : [];
}
