import { renderTable } from "@sluice/cli/screen/render-table";
import type { Measurements, MetricKey, SuiteName, Summary } from "../measurements/measurements.ts";

/** One column of a suite's table. */
export interface Column {
  readonly metric: string;
  readonly head: string;
  readonly digits: number;
  /** Also the smallest and largest round. */
  readonly withSpread?: boolean;
}

/** A suite's medians: one row for each workload and target, in the order in which they were measured. */
export function pivotTable(measurements: Measurements, suite: SuiteName, columns: readonly Column[]): string {
  const summaries = measurements.summaries().filter((summary) => summary.suite === suite);
  const rowKeys = [...new Map(summaries.map((summary) => [rowOf(summary), summary])).values()];
  const rows = rowKeys.map(({ workload, target }) => [
    ...[workload, target],
    ...columns.map((column) => cellOf(measurements, { suite, workload, target, metric: column.metric }, column)),
  ]);
  return renderTable(["workload", "target", ...columns.map(({ head }) => head)], rows);
}

const rowOf = ({ workload, target }: Summary): string => JSON.stringify([workload, target]);

function cellOf(measurements: Measurements, key: MetricKey, { digits, withSpread = false }: Column): string {
  const spread = measurements.spread(key);
  if (spread === undefined) return "–";
  const text = (value: number): string => value.toFixed(digits);
  if (!withSpread || spread.rounds === 1) return text(spread.median);
  return `${text(spread.median)} (${text(spread.min)}–${text(spread.max)})`;
}
