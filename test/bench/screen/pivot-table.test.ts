import { expect, test } from "vitest";
import { Measurements } from "../measurements/measurements.ts";
import { pivotTable } from "./pivot-table.ts";

test("a row holds the medians of a target under a workload, with the spread where it is wanted and a dash where nothing was measured", () => {
  const measurements = new Measurements();
  const small = { suite: "throughput", workload: "small" } as const;
  for (const [round, rate] of [10, 30, 20].entries()) {
    measurements.add({ ...small, target: "node own port" }, round, { requestsPerSecond: rate, p99Ms: 1.234 });
  }
  measurements.add({ ...small, target: "caddy" }, 1, { requestsPerSecond: 5, p99Ms: undefined });
  measurements.add({ suite: "changes", workload: "switch", target: "caddy" }, 1, { requestsPerSecond: 1 });
  const columns = [
    { metric: "requestsPerSecond", head: "req/s", digits: 0, withSpread: true },
    { metric: "p99Ms", head: "p99 ms", digits: 2 },
  ];
  expect(pivotTable(measurements, "throughput", columns)).toBe(
    [
      "workload  target         req/s       p99 ms",
      "small     node own port  20 (10–30)  1.23",
      "small     caddy          5           –",
    ].join("\n"),
  );
});
