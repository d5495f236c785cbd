import { checkBindings } from "./check-bindings.ts";
import { checkEnvironments } from "./check-environments.ts";
import { checkFreezes } from "./check-freezes.ts";
import { checkHealth } from "./check-health.ts";
import { checkNotifications } from "./check-notifications.ts";
import { checkPorts } from "./check-ports.ts";
import { checkSites } from "./check-sites.ts";
import type { FleetPath } from "./fleet-problem.ts";
import { type FleetReading, overlap, readSound } from "./fleet-reading.ts";
import type { PathProblem } from "./path-problem.ts";

type Rule = (reading: FleetReading) => readonly PathProblem[];

const rules: readonly Rule[] = [
  checkEnvironments,
  checkSites,
  checkBindings,
  checkPorts,
  checkFreezes,
  checkHealth,
  checkNotifications,
];

/**
 * Everything that is wrong between the pieces of a fleet file. Works on a file whose shape is partly broken (`damaged` holds
 * those paths) and stays silent where a broken piece might be what seems to be missing.
 */
export function checkRelations(root: unknown, damaged: readonly FleetPath[]): readonly PathProblem[] {
  const reading = readSound(root, damaged);
  const mayFollow = ({ about }: PathProblem): boolean =>
    (about ?? []).some((path) => damaged.some((broken) => overlap(broken, path)));
  return rules.flatMap((rule) => rule(reading)).filter((problem) => !mayFollow(problem));
}
