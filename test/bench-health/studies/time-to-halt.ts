import { defaultHealthSettings, type Tolerance } from "@sluice/core";
import { createPrng } from "../../simulation/prng.ts";
import { blockHaltOf } from "../block-halt.ts";
import { argoHaltsAt } from "../rules/argo-rule.ts";
import { flaggerHaltsAt } from "../rules/flagger-rule.ts";
import { kayentaHaltsAt } from "../rules/kayenta-rule.ts";
import { minutesOf, type SiteRun, simulateSite, siteRun } from "../simulate-site.ts";
import { type Bar, medianError, quantile, type Study, shareText } from "../study.ts";

interface Scene {
  readonly name: string;
  readonly run: SiteRun;
  /** Median and 90 % in seconds that the specification prints; with tolerance it prints the median only. */
  readonly printed: readonly [number, number?];
  readonly tolerance?: Tolerance;
}

const errors = defaultHealthSettings.tolerance.errors;

/** The broken stratum comes last, beside one with the rest of the traffic. */
function scene(
  name: string,
  perSecond: number,
  rates: readonly [number, number],
  printed: Scene["printed"],
  more: Partial<SiteRun> = {},
  tolerance?: Tolerance,
): Scene {
  const [rate, after] = rates;
  const rest = perSecond >= 9 ? 1 : 9;
  const run = siteRun({
    perSecond: [rest, perSecond],
    base: { rate, bursty: false },
    broken: { stratum: 1, rate: after },
    ...more,
  });
  return { name, run, printed, ...(tolerance === undefined ? {} : { tolerance }) };
}

const late = { broken: { stratum: 1, rate: 1, fromBlock: 120 } };

/** Bars are for the column of the specification, which has no tolerance; the last rows show what that costs. */
const scenes: readonly Scene[] = [
  scene("all fail, 1 req/s, base 0.1 %", 1, [0.001, 1], [100, 100]),
  scene("all fail, 6/min, base 0.1 %", 0.1, [0.001, 1], [170, 220]),
  scene("all fail, 6/min, base 0", 0.1, [0, 1], [170, 210]),
  scene("all fail, 6/min, base 1 %", 0.1, [0.01, 1], [180, 220]),
  scene("all fail, 1.8/min, base 1 %", 0.03, [0.01, 1], [480, 590]),
  scene("all fail, 0.6/min, base 0.1 %", 0.01, [0.001, 1], [1310, 1700]),
  scene("0.1 % to 1 %, 9 req/s", 9, [0.001, 0.01], [220, 350]),
  scene("1 % to 2 %, 9 req/s", 9, [0.01, 0.02], [610, 970]),
  scene("1 % to 5 %, 9 req/s", 9, [0.01, 0.05], [140, 170]),
  scene("1 % to 5 %, 1 req/s", 1, [0.01, 0.05], [570, 970]),
  scene("slow share 5 % to 12.8 %, 9 req/s", 9, [0.05, 0.128], [210, 230]),
  scene("all fail, 6/min, 1 other host", 0.1, [0.001, 1], [420], { controls: 1 }),
  scene("all fail, 6/min, 7 other hosts", 0.1, [0.001, 1], [110], { controls: 7 }),
  scene("all fail, 6/min, 20 min after the change", 0.1, [0.001, 1], [180], late),
  scene("all fail, 6/min, default tolerance", 0.1, [0.001, 1], [180], {}, errors),
  scene("0.1 % to 1 %, 9 req/s, default tolerance", 9, [0.001, 0.01], [240], {}, errors),
  scene("1 % to 2 %, 9 req/s, default tolerance", 9, [0.01, 0.02], [1410], {}, errors),
];

/** Health-verdict §3.4. */
export const timeToHalt: Study = {
  name: "time-to-halt",
  title: "time to halt in seconds, median / 90 %, one stratum at 10,000 : 1; in brackets what the specification prints",
  run({ runs, seed }) {
    const bars: Bar[] = [];
    const rows = scenes.map((one, index) => {
      const found = haltsOf(one, runs, seed + index * 100_003);
      const median = quantile(found.sluice, 0.5);
      const error = medianError(found.sluice);
      const [printed, printed90] = one.printed;
      const limit = printed * 1.1;
      const bar = {
        promise: `${one.name}: found, in ${printed} s + 10 %`,
        measured: `${shareText(found.sluice.length, runs)} in ${median} s ± ${error.toFixed(0)}`,
        kept: found.sluice.length >= runs * 0.95 && median <= limit,
      };
      if (one.tolerance === undefined) bars.push(bar);
      const shown = `${median}±${error.toFixed(0)} / ${quantile(found.sluice, 0.9)} (${printed}${printed90 === undefined ? "" : ` / ${printed90}`})`;
      return [one.name, ...[found.flagger, found.argo, found.kayenta].map((times) => timesText(times, runs)), shown];
    });
    return { columns: ["regression", "Flagger-like", "Argo-like", "Kayenta-like x6", "Sluice"], rows, bars };
  },
};

function haltsOf({ run, tolerance }: Scene, runs: number, seed: number) {
  const from = (run.broken?.fromBlock ?? 0) * 10;
  const found = { flagger: [] as number[], argo: [] as number[], kayenta: [] as number[], sluice: [] as number[] };
  for (let i = 0; i < runs; i++) {
    const counts = simulateSite(createPrng(seed + i), run);
    const changed = minutesOf(counts.changed);
    keep(found.flagger, flaggerHaltsAt(changed));
    keep(found.argo, argoHaltsAt(changed));
    keep(found.kayenta, kayentaHaltsAt(changed, minutesOf(counts.others), [10, 20, 30, 40, 50, 60]));
    const halt = blockHaltOf({ run, counts, ...(tolerance === undefined ? {} : { tolerance }) }, 1);
    keep(found.sluice, halt === undefined ? undefined : halt.seconds - from);
  }
  return found;
}

function keep(times: number[], time: number | undefined): void {
  if (time !== undefined) times.push(time);
}

function timesText(times: readonly number[], runs: number): string {
  if (times.length === 0) return "never";
  const found = times.length === runs ? "" : `${shareText(times.length, runs)}: `;
  return `${found}${quantile(times, 0.5)}`;
}
