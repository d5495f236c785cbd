import { renderTable } from "@sluice/cli/screen/render-table";
import type { BarResult } from "../bars.ts";
import type { Measurements, SuiteName } from "../measurements/measurements.ts";
import { type Column, pivotTable } from "./pivot-table.ts";

const one = { digits: 1 };

const columnsOf: Readonly<Record<SuiteName, readonly Column[]>> = {
  throughput: [
    { metric: "requestsPerSecond", head: "req/s (min–max)", digits: 0, withSpread: true },
    { metric: "p50Ms", head: "p50 ms", digits: 2 },
    { metric: "p99Ms", head: "p99 ms", digits: 2 },
    { metric: "cpuMicrosPerRequest", head: "CPU µs/req", digits: 1, withSpread: true },
    { metric: "busyPercent", head: "core busy %", digits: 0 },
  ],
  failures: [
    { metric: "sent", head: "requests", digits: 0 },
    { metric: "failed", head: "failed", digits: 0 },
    { metric: "p50Ms", head: "p50 ms", ...one },
    { metric: "p99Ms", head: "p99 ms", ...one },
    { metric: "slowestMs", head: "slowest ms", ...one },
    { metric: "longestWaitMs", head: "longest wait ms", ...one },
    { metric: "seconds", head: "took s", digits: 0 },
  ],
  changes: [
    { metric: "firstServedMs", head: "first served after ms", withSpread: true, ...one },
    { metric: "switchMs", head: "switch in rollout ms", withSpread: true, ...one },
    { metric: "restartMs", head: "restart ms", withSpread: true, ...one },
  ],
  footprint: [
    { metric: "perSiteMb", head: "MB/site", ...one },
    { metric: "frontMb", head: "front MB", ...one },
    { metric: "keeperMb", head: "keeper MB", ...one },
    { metric: "agentMb", head: "agent MB", ...one },
    { metric: "agentRssMb", head: "agent RSS MB", ...one },
    { metric: "siteProxiesCpuPercent", head: "proxies CPU %", digits: 2 },
    { metric: "frontCpuPercent", head: "front CPU %", digits: 2 },
    { metric: "keeperCpuPercent", head: "keeper CPU %", digits: 2 },
    { metric: "agentCpuPercent", head: "agent CPU %", digits: 2 },
    { metric: "rolloutSeconds", head: "rollout s", ...one },
    { metric: "coldStartSeconds", head: "cold start s", ...one },
  ],
};

export function suiteTable(measurements: Measurements, suite: SuiteName): string {
  const table = pivotTable(measurements, suite, columnsOf[suite]);
  const invalid = measurements.invalid.filter((run) => run.suite === suite);
  const lines = invalid.map(
    ({ workload, target, round, why }) => `INVALID: ${target}, ${workload}, round ${round}: ${why}`,
  );
  return [suite, table, ...lines].join("\n");
}

export function barTable(results: readonly BarResult[]): string {
  const rows = results.map((result) => [
    result.kind.replace("-", " "),
    measuredOf(result),
    wantedOf(result),
    result.sentence,
  ]);
  return renderTable(["bar", "measured", "wanted", "what"], rows);
}

const measuredOf = (result: BarResult): string => (result.kind === "not-measured" ? "–" : numberText(result.value));

const wantedOf = ({ wanted }: BarResult): string =>
  "atLeast" in wanted ? `≥ ${numberText(wanted.atLeast)}` : `≤ ${numberText(wanted.atMost)}`;

const numberText = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
