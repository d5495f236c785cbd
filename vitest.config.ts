import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/house/longest-first.ts";
import { SummaryReporter } from "./test/house/summary-reporter.ts";

/** Files at a time. Most wait for processes of their own half of the time, so that two would leave two cores idle. */
const maxWorkers = 3;

/**
 * Files of a project in as few processes as there are workers: loading one takes longer than most files take to run. None of them may
 * replace a module, or leave behind what another one could meet.
 */
const isolate = false;

export default defineConfig({
  test: {
    maxWorkers,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new SummaryReporter()],
    projects: [
      {
        test: {
          name: "unit",
          maxWorkers,
          isolate,
          include: [
            "packages/{core,protocol,runtime,cli}/src/**/*.test.ts",
            "test/{house,bench,mutation}/**/*.test.ts",
          ],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "process",
          maxWorkers,
          include: ["packages/{proxy,agent,coordinator}/src/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/**/*.test.ts"],
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "simulation",
          setupFiles: ["test/house/stand-back.ts"],
          maxWorkers,
          isolate,
          include: ["test/{simulation,scenarios,bench-health}/**/*.test.ts"],
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: "end-to-end",
          include: ["test/end-to-end/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
    ],
  },
});
