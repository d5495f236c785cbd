import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/house/longest-first.ts";
import { SummaryReporter } from "./test/house/summary-reporter.ts";

/**
 * Files at a time. Most wait for processes of their own half of the time, so that two would leave two cores idle. A CI machine may be
 * slower, and has nobody who waits for it: there a test that starves is worse than one that comes later.
 */
const maxWorkers = process.env["CI"] === undefined ? 3 : 2;

/**
 * Files of a project in as few processes as there are workers: loading one takes longer than most files take to run. None of them may
 * replace a module, or leave behind what another one could meet.
 */
const isolate = false;

/**
 * These go by a fast clock, for which a pause of the machine is so many times as long. They need a quarter of two cores, but at once: so
 * all others stand back behind them, and behind all others those that only compute.
 */
const byFastClock = [
  "test/end-to-end/demo-ends-as-it-must.test.ts",
  "test/end-to-end/health-stops-what-gets-worse.test.ts",
  "test/end-to-end/host-reboot.test.ts",
];
const standBack = (niceness: number) => ({ setupFiles: ["test/house/stand-back.ts"], provide: { niceness } });
const waiting = standBack(5);
const computing = standBack(10);

export default defineConfig({
  test: {
    maxWorkers,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new SummaryReporter()],
    projects: [
      {
        test: {
          name: "unit",
          ...waiting,
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
          ...waiting,
          maxWorkers,
          isolate,
          include: ["packages/{proxy,agent,coordinator}/src/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "conformance",
          ...waiting,
          include: ["test/conformance/**/*.test.ts"],
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "simulation",
          ...computing,
          maxWorkers,
          isolate,
          include: ["test/{simulation,scenarios,bench-health}/**/*.test.ts"],
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: "end-to-end",
          ...waiting,
          include: ["test/end-to-end/**/*.test.ts"],
          exclude: byFastClock,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: "end-to-end-by-fast-clock",
          include: byFastClock,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
    ],
  },
});
