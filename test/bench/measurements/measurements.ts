import { type Spread, spreadOf } from "./spread.ts";

export const suiteNames = ["throughput", "failures", "changes", "footprint"] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What is measured of whom, and under what. */
export interface Subject {
  readonly suite: SuiteName;
  /** `small`, `100 switches`, `20 sites`. */
  readonly workload: string;
  /** `haproxy own port`, `caddy`. */
  readonly target: string;
}

export interface MetricKey extends Subject {
  /** With its unit last: `requestsPerSecond`, `p99Ms`. */
  readonly metric: string;
}

/** One number of one round. */
export interface Sample extends MetricKey {
  readonly round: number;
  readonly value: number;
}

/** A run that says nothing, because what it measured did not do its work. */
export interface InvalidRun extends Subject {
  readonly round: number;
  readonly why: string;
}

export interface Summary extends MetricKey, Spread {}

/** Every number of a run of the benchmark, in the order in which they were measured. */
export class Measurements {
  readonly #samples: Sample[] = [];
  readonly #invalid: InvalidRun[] = [];

  /** Values that are undefined were not measured and leave no trace. */
  add(subject: Subject, round: number, values: Readonly<Record<string, number | undefined>>): void {
    for (const [metric, value] of Object.entries(values)) {
      if (value !== undefined) this.#samples.push({ ...subject, metric, round, value });
    }
  }

  addInvalid(run: InvalidRun): void {
    this.#invalid.push(run);
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  get invalid(): readonly InvalidRun[] {
    return this.#invalid;
  }

  /** Over all rounds; undefined when there was none. */
  spread(key: MetricKey): Spread | undefined {
    return spreadOf(this.#samples.filter((sample) => isOf(sample, key)).map(({ value }) => value));
  }

  /** Undefined when it was not measured. */
  median(key: MetricKey): number | undefined {
    return this.spread(key)?.median;
  }

  /** Every target and workload of a suite that has this metric, with its median. */
  all(suite: SuiteName, metric: string): readonly { readonly key: MetricKey; readonly median: number }[] {
    return this.summaries()
      .filter((summary) => summary.suite === suite && summary.metric === metric)
      .map(({ workload, target, median }) => ({ key: { suite, workload, target, metric }, median }));
  }

  /** Of every round of what is meant; undefined when there was none. */
  sum(suite: SuiteName, metric: string, isMeant: (key: MetricKey) => boolean): number | undefined {
    const meant = this.#samples.filter(
      (sample) => sample.suite === suite && sample.metric === metric && isMeant(sample),
    );
    return meant.length === 0 ? undefined : meant.reduce((sum, { value }) => sum + value, 0);
  }

  summaries(): readonly Summary[] {
    const keys = new Map(this.#samples.map((sample) => [textOf(sample), sample]));
    return [...keys.values()].flatMap(({ round: _, value: __, ...key }) => {
      const spread = this.spread(key);
      return spread === undefined ? [] : [{ ...key, ...spread }];
    });
  }
}

const textOf = ({ suite, workload, target, metric }: MetricKey): string =>
  JSON.stringify([suite, workload, target, metric]);

const isOf = (sample: MetricKey, key: MetricKey): boolean => textOf(sample) === textOf(key);
