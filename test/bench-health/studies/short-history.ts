import { defaultHealthSettings } from "@sluice/core";
import { createPrng } from "../../simulation/prng.ts";
import { anyBlockHalt, blockHaltOf } from "../block-halt.ts";
import { type SiteRun, simulateSite, siteRun } from "../simulate-site.ts";
import { type Bar, quantile, type Study, shareText } from "../study.ts";

const tolerance = defaultHealthSettings.tolerance.errors;

/** Blocks of history and requests a second of each host. */
const pasts: readonly (readonly [string, number, number])[] = [
  ["5 minutes, 5 req/s", 30, 5],
  ["5 minutes, 50 req/s", 30, 50],
  ["half an hour, 5 req/s", 180, 5],
  ["an hour, 5 req/s", 360, 5],
];

/** Nothing is wrong; errors come in bursts, or traffic grows as soon as the change is live. */
const wellRuns: readonly Partial<SiteRun>[] = [
  { base: { rate: 0.001, bursty: true } },
  { base: { rate: 0.01, bursty: true } },
  { base: { rate: 0.05, bursty: true } },
  { base: { rate: 0.01, bursty: false }, growth: 10 },
  { base: { rate: 0.05, bursty: false }, growth: 10 },
];

/** What a host can be held against that has been there for minutes only, which health-verdict leaves out. */
export const shortHistory: Study = {
  name: "short-history",
  title:
    "a short past without an error: seconds until 5 % of errors on one of 3 hosts halt, median / 90 %, and false halts in an hour of bursty errors, or of ten times the traffic",
  run({ runs, seed }) {
    const fewer = Math.max(2, Math.floor(runs / 4));
    const bars: Bar[] = [];
    const rows = pasts.map(([name, historyBlocks, perSecond], index) => {
      const from = seed + index * 100_003;
      const times = timesToHalt(siteRun({ perSecond: [perSecond], historyBlocks, controls: 2 }), fewer, from);
      const halted = wellRuns.reduce((sum, more) => {
        const run = siteRun({ perSecond: [perSecond], historyBlocks, controls: 2, ...more });
        return sum + falseHalts(run, fewer, from);
      }, 0);
      const of = fewer * wellRuns.length;
      const median = quantile(times, 0.5);
      bars.push({
        promise: `${name}: 5 % more errors found, in 180 s + 10 %`,
        measured: `${median} s`,
        kept: median <= 198,
      });
      bars.push({ promise: `no false halt: ${name}`, measured: `${halted} of ${of}`, kept: halted === 0 });
      return [name, `${median} / ${quantile(times, 0.9)}`, shareText(halted, of)];
    });
    return { columns: ["history", "found", "false halts"], rows, bars };
  },
};

function timesToHalt(run: SiteRun, runs: number, seed: number): readonly number[] {
  const broken = { ...run, base: { rate: 0, bursty: false }, broken: { stratum: 0, rate: 0.05 } };
  return Array.from({ length: runs }, (_, i) => {
    const counts = simulateSite(createPrng(seed + i), broken);
    return blockHaltOf({ run: broken, counts, tolerance }, 0)?.seconds ?? Number.POSITIVE_INFINITY;
  });
}

function falseHalts(run: SiteRun, runs: number, seed: number): number {
  let halted = 0;
  for (let i = 0; i < runs; i++) {
    const counts = simulateSite(createPrng(seed + i), run);
    if (anyBlockHalt({ run, counts, tolerance }) !== undefined) halted++;
  }
  return halted;
}
