import {
  feedEvidence,
  type HostTraffic,
  instant,
  latencyBuckets,
  startTests,
  type TestedStratum,
  testHost,
} from "@sluice/core";
import { findRegressed } from "@sluice/core/health/find-regressed";
import { defaultHealthSettings } from "@sluice/core/health/health-settings";
import { latencyBucketOf } from "@sluice/core/health/latency-buckets";
import { weighTests } from "@sluice/core/health/weigh";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { poisson } from "../poisson.ts";
import { type Bar, quantile, type Study, shareText } from "../study.ts";

const historyBlocks = 180;
const blocks = 60;
const perBlock = 30;
const way = { site: "shop", binding: "app.com", bindingPort: 443, hop: "proxy" } as const;
const strata: readonly TestedStratum[] = (["failed", "refused", "slow", "above-median"] as const).map((indicator) => ({
  ...{ ...way, source: "traffic" as const },
  indicator,
}));

/** Scatter of the logarithm of a latency. */
const scatters = [0.01, 0.05, 0.1, 0.2, 0.4, 0.8];

/** By how much all hosts become slower at once. */
const drifts = [1.05, 1.1, 1.2, 1.35, 1.6, 3];

/** Latency with the functions verdicts are made of; health-verdict reduces it to an indicator (§3.7). */
export const slowTogether: Study = {
  name: "slow-together",
  title:
    "halted for slowness within 10 minutes although all hosts became slower by the same factor (1.05 to 3; 1 and 3 other hosts), and seconds until one host that became slower on its own is halted, median",
  run({ runs, seed }) {
    const fewer = Math.max(1, Math.floor(runs / 20));
    const bars: Bar[] = [];
    const rows = scatters.map((scatter, index) => {
      const from = seed + index * 100_003;
      const alike = drifts.flatMap((drift) =>
        [1, 3].flatMap((others) =>
          Array.from({ length: fewer }, (_, i) =>
            haltedAfter(createPrng(from + i), { scatter, drift, own: 1, others }),
          ),
        ),
      );
      const halted = alike.filter(Number.isFinite).length;
      const found = [1.5, 2, 3].map((own) =>
        quantile(
          Array.from({ length: fewer }, (_, i) =>
            haltedAfter(createPrng(from + i), { scatter, drift: 1, own, others: 3 }),
          ),
          0.5,
        ),
      );
      bars.push({
        promise: `slow together, halted in 1 % at most: scatter ${scatter}`,
        measured: shareText(halted, alike.length),
        kept: halted <= 0.01 * alike.length,
      });
      bars.push({
        promise: `twice as slow alone is found in 10 minutes: scatter ${scatter}`,
        measured: `${found[1]} s`,
        kept: Number.isFinite(found[1]),
      });
      return [
        `${scatter}`,
        shareText(halted, alike.length),
        ...found.map((one) => (Number.isFinite(one) ? `${one}` : "never")),
      ];
    });
    return { columns: ["scatter", "together", "x1.5 alone", "x2 alone", "x3 alone"], rows, bars };
  },
};

interface Scene {
  readonly scatter: number;
  readonly drift: number;
  readonly own: number;
  readonly others: number;
}

/** Seconds after the change; infinite: not within ten minutes. The usual latencies of hosts differ by up to a quarter. */
function haltedAfter(prng: Prng, { scatter, drift, own, others }: Scene): number {
  const hosts = Array.from({ length: others + 1 }, (_, index) => ({
    name: `web-${index + 1}`,
    usualMs: 20 * Math.exp(0.5 * (prng.next() - 0.5)),
  }));
  const blockOf = (block: number): readonly HostTraffic[] =>
    hosts.map(({ name, usualMs }, index) => {
      const slower = block < 0 ? 1 : drift * (index === 0 ? own : 1);
      return { host: name, block: { ...way, startsAt: at(block), ...answers(prng, usualMs * slower, scatter) } };
    });
  const planned = hosts.map(({ name }) => ({ host: name, environment: "production", changes: true, strata }));
  const traffic = Array.from({ length: historyBlocks }, (_, index) => blockOf(index - historyBlocks)).flat();
  let state = testHost(startTests({ settings: { production: { shop: defaultHealthSettings } }, hosts: planned }), {
    ...{ host: "web-1", since: at(0) },
    history: { traffic, probes: [] },
  });
  for (let block = 0; block < blocks; block++) {
    state = feedEvidence(state, {
      traffic: blockOf(block),
      trafficUntil: at(block + 1),
      probes: [],
      probesUntil: at(0),
    });
    if (findRegressed(weighTests(state)).length > 0) return (block + 1) * 10;
  }
  return Number.POSITIVE_INFINITY;
}

const at = (block: number) => instant(1_700_000_000_000 + block * 10_000);

function answers(prng: Prng, medianMs: number, scatter: number) {
  const latency = new Array<number>(latencyBuckets).fill(0);
  const ok = poisson(prng, perBlock);
  for (let i = 0; i < ok; i++) {
    const bucket = latencyBucketOf(medianMs * Math.exp(scatter * normal(prng)));
    latency[bucket] = (latency[bucket] ?? 0) + 1;
  }
  return { outcomes: { ok }, latency };
}

/** By the method of Box and Muller. */
const normal = (prng: Prng): number => Math.sqrt(-2 * Math.log(1 - prng.next())) * Math.cos(2 * Math.PI * prng.next());
