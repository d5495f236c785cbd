import { writeFile } from "node:fs/promises";
import type { BarResult } from "./bars.ts";
import type { BenchOptions } from "./bench-options.ts";
import { describeMachine } from "./machine/describe-machine.ts";
import type { Measurements } from "./measurements/measurements.ts";

export interface ReportedRun {
  readonly startedAt: Date;
  readonly options: BenchOptions;
  readonly versions: Readonly<Record<string, string>>;
  readonly measurements: Measurements;
  readonly bars: readonly BarResult[];
  /** A suite that broke off, and why. */
  readonly brokenOff: Readonly<Record<string, string>>;
}

/** Everything that was measured, with what is needed to measure it again. */
export async function writeBenchReport(file: string, run: ReportedRun): Promise<void> {
  const { measurements, startedAt, options, versions, bars, brokenOff } = run;
  const report = {
    startedAt: startedAt.toISOString(),
    tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    machine: describeMachine(),
    versions,
    options,
    brokenOff,
    bars,
    summaries: measurements.summaries(),
    invalid: measurements.invalid,
    samples: measurements.samples,
  };
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}
