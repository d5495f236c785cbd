import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/house/longest-first.ts";
import { SummaryReporter } from "./test/house/summary-reporter.ts";

/** Files at a time. Each has processes of its own, which are most of the work: three of them starve each other on two cores. */
const maxWorkers = 2;

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
          maxWorkers,
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
