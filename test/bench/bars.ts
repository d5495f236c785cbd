import { judgedWorkload } from "./load/workloads.ts";
import type { MetricKey, SuiteName } from "./measurements/measurements.ts";

/** What the project promises of its speed: a sentence, a number, and how the number is computed. */
export interface Bar {
  readonly id: string;
  readonly sentence: string;
  readonly computed: string;
  readonly suite: SuiteName;
  readonly wanted: { readonly atLeast: number } | { readonly atMost: number };
  /** Undefined when something it needs was not measured. */
  measure(find: Find): number | undefined;
}

export type BarResult = Pick<Bar, "id" | "sentence" | "computed" | "wanted"> &
  ({ readonly kind: "met" | "missed"; readonly value: number } | { readonly kind: "not-measured" });

/** What bars are computed of. */
export interface Find {
  median(key: MetricKey): number | undefined;
  /** Every target and workload of a suite that has this metric, with its median. */
  all(suite: SuiteName, metric: string): readonly { readonly key: MetricKey; readonly median: number }[];
  /** Every measured value of a suite that has this metric, summed. */
  sum(suite: SuiteName, metric: string, isMeant: (key: MetricKey) => boolean): number | undefined;
}

/** A proxy that leaves its core idle is not what holds up the requests, so that requests a second say nothing of it. */
const busyPercentMin = 90;

const ours: readonly string[] = [
  ...["node own port", "node shared port", "haproxy own port", "haproxy shared port"],
  "node and haproxy, own port and shared port",
];

const byRateOrCpu = `medians of '${judgedWorkload}': the ratio of requests/s where both kept their core ${busyPercentMin} % busy, else of requests per CPU second`;

/** The rows of the table in docs/benchmark.md, in its order. */
export const bars: readonly Bar[] = [
  {
    id: "own-port-haproxy",
    sentence:
      "a site on its own port, engine haproxy: at least 0.95 × an HAProxy configuration written by hand for the same duties",
    computed: byRateOrCpu,
    suite: "throughput",
    wanted: { atLeast: 0.95 },
    measure: (find) => throughputRatio(find, "haproxy own port", "haproxy same duties"),
  },
  {
    id: "own-port-haproxy-caddy",
    sentence: "a site on its own port, engine haproxy: at least 3 × Caddy",
    computed: byRateOrCpu,
    suite: "throughput",
    wanted: { atLeast: 3 },
    measure: (find) => throughputRatio(find, "haproxy own port", "caddy"),
  },
  {
    id: "shared-port-haproxy",
    sentence: "a shared port (front and site proxy), engine haproxy: at least 0.5 × a single HAProxy written by hand",
    computed: byRateOrCpu,
    suite: "throughput",
    wanted: { atLeast: 0.5 },
    measure: (find) => throughputRatio(find, "haproxy shared port", "haproxy same duties"),
  },
  {
    id: "shared-port-haproxy-caddy",
    sentence: "a shared port, engine haproxy: at least 2 × Caddy",
    computed: byRateOrCpu,
    suite: "throughput",
    wanted: { atLeast: 2 },
    measure: (find) => throughputRatio(find, "haproxy shared port", "caddy"),
  },
  {
    id: "node-caddy",
    sentence: "engine node, per core: at least 1.2 × Caddy",
    computed: byRateOrCpu,
    suite: "throughput",
    wanted: { atLeast: 1.2 },
    measure: (find) => throughputRatio(find, "node own port", "caddy"),
  },
  {
    id: "node-caddy-p99",
    sentence: "engine node: p99 not above Caddy's",
    computed: `ratio of the medians of p99 of '${judgedWorkload}'`,
    suite: "throughput",
    wanted: { atMost: 1 },
    measure: (find) => ratioOf(find, "p99Ms", "node own port", "caddy"),
  },
  {
    id: "failed-requests",
    sentence: "no request fails over switches, proxy restarts and engine changes under load",
    computed: "sum over both engines, own and shared port",
    suite: "failures",
    wanted: { atMost: 0 },
    measure: (find) => find.sum("failures", "failed", ({ target }) => ours.includes(target)),
  },
  {
    id: "switch-time",
    sentence: "from 'slot ready and probed' to the first request on it: at most 25 ms",
    computed:
      "the largest of the medians: order to first answer, per engine and shape; switch as agents report it in rollouts",
    suite: "changes",
    wanted: { atMost: 25 },
    measure: (find) => largest([...find.all("changes", "switchMs"), ...switchesOf(find)].map(({ median }) => median)),
  },
  {
    id: "agent-memory",
    sentence: "agent at rest with 20 sites: at most 120 MB resident",
    computed: "the larger of both engines",
    suite: "footprint",
    wanted: { atMost: 120 },
    measure: (find) => largestAt20(find, "agentRssMb"),
  },
  {
    id: "agent-cpu",
    sentence: "agent at rest with 20 sites: at most 1 % of a core",
    computed: "the larger of both engines; probing at the default interval",
    suite: "footprint",
    wanted: { atMost: 1 },
    measure: (find) => largestAt20(find, "agentCpuPercent"),
  },
];

export function judgeBars(find: Find): readonly BarResult[] {
  return bars.map((bar) => {
    const { id, sentence, computed, wanted } = bar;
    const value = bar.measure(find);
    if (value === undefined) return { id, sentence, computed, wanted, kind: "not-measured" };
    return { id, sentence, computed, wanted, value, kind: isMet(value, wanted) ? "met" : "missed" };
  });
}

function isMet(value: number, wanted: Bar["wanted"]): boolean {
  return "atLeast" in wanted ? value >= wanted.atLeast : value <= wanted.atMost;
}

/** How much more `target` does with a core than `other`. */
function throughputRatio(find: Find, target: string, other: string): number | undefined {
  const isLimit = (name: string): boolean => (medianOf(find, "busyPercent", name) ?? 0) >= busyPercentMin;
  return isLimit(target) && isLimit(other)
    ? ratioOf(find, "requestsPerSecond", target, other)
    : ratioOf(find, "cpuMicrosPerRequest", other, target);
}

function ratioOf(find: Find, metric: string, target: string, other: string): number | undefined {
  const [one, two] = [medianOf(find, metric, target), medianOf(find, metric, other)];
  return one === undefined || two === undefined ? undefined : one / two;
}

const medianOf = (find: Find, metric: string, target: string): number | undefined =>
  find.median({ suite: "throughput", workload: judgedWorkload, metric, target });

/** Of our engines; a peer's reload has another workload. */
function switchesOf(find: Find): ReturnType<Find["all"]> {
  return find.all("changes", "firstServedMs").filter(({ key }) => key.workload === "switch");
}

function largestAt20(find: Find, metric: string): number | undefined {
  const measured = find.all("footprint", metric).filter(({ key }) => key.workload === "20 sites");
  return largest(measured.map(({ median }) => median));
}

const largest = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values);
