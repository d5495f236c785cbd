import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take long, in the order in which they begin: last, one of them would run alone for minutes. The demo takes half of the
 * whole time, and who takes turns with it begins about when it ends.
 */
export const longest: readonly string[] = [
  ...["end-to-end/demo-ends-as-it-must", "end-to-end/changes-fail-no-request", "coordinator/src/crash"],
  ...["end-to-end/sites-do-not-fail-each-other", "conformance/bodies", "conformance/changes"],
  ...["end-to-end/operator-contract", "end-to-end/orders-meet-rollouts", "end-to-end/host-without-coordinator"],
  ...["bench-health/bench-health", "simulation/simulation", "end-to-end/engine-crash-queues-connections"],
  ...["end-to-end/host-memory-lost", "end-to-end/reverted-settings-harm-nothing-later"],
  ...["end-to-end/long-exchanges-cross-a-switch", "end-to-end/agents-change-on-trial", "end-to-end/agents-fall-silent"],
  ...["end-to-end/engine-change-fails-no-request", "end-to-end/host-reboot", "end-to-end/users-are-counted-exactly"],
  ...["agent/src/keeper/keeper", "agent/src/proven-comes-back", "agent/src/start-agent", "agent/src/power-cut"],
  ...["end-to-end/health-stops-what-gets-worse", "end-to-end/kills-fail-no-request"],
];

/** Begins with what takes longest, whatever is known of earlier runs: a fresh clone knows nothing. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.toSorted((a, b) => rankOf(a.moduleId) - rankOf(b.moduleId));
  }
}

function rankOf(file: string): number {
  const rank = longest.findIndex((part) => file.includes(`${part}.test.`));
  return rank === -1 ? longest.length : rank;
}
