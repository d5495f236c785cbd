import type { FleetProblem } from "../fleet/fleet-problem.ts";

/** `fleet.yaml:12:7: sites.shop.drain: found the number 30, wanted … (write 30s or 30m)`. */
export function describeFleetProblem({ file, line, column, path, sentence, hint }: FleetProblem): string {
  const where = `${file}:${line}:${column}: `;
  const what = path === "" || sentence.includes(path) ? sentence : `${path}: ${sentence}`;
  return `${where}${what}${hint === undefined ? "" : ` (${hint})`}`;
}
