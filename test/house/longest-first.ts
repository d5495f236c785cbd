import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take long, the longest first: begun last, one of them would run alone for minutes. Those that count minutes by a
 * fast clock need much of the machine and are kept apart.
 */
const longest = [
  ...["end-to-end/demo-ends-as-it-must", "coordinator/src/crash", "end-to-end/host-without-coordinator"],
  ...["end-to-end/long-exchanges-cross-a-switch", "conformance/changes", "end-to-end/changes-fail-no-request"],
  ...["end-to-end/kills-fail-no-request", "end-to-end/health-stops-what-gets-worse"],
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
