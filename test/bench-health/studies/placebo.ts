import { minutes } from "@sluice/core";
import { isUnreliable } from "@sluice/core/health/placebo";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { blockRule, evidenceOf, feedBlockRule, strict } from "../rules/block-rule.ts";
import { type Count, stratumSource } from "../stratum-source.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const day = 8640;
const quarter = 90;
const logBar = Math.log(1e4);
const nobody: Count = { requests: 0, bad: 0 };

/** One host without others, and what its errors do on any day: a share of bad requests by block. */
const scenes: readonly (readonly [string, (prng: Prng) => (block: number) => number])[] = [
  ["1 % of errors, all day alike", () => () => 0.01],
  ["a job every hour breaks half for ten minutes", () => (block) => (block % 360 < 60 ? 0.5 : 0.01)],
  ["errors wander between 0.2 % and 5 %", (prng) => wandering(prng)],
];

/** Placebo calibration, the only defence of a site with one server; health-verdict leaves it unsimulated (§2.7, §3.7). */
export const placebo: Study = {
  name: "placebo",
  title:
    "one server, nothing is wrong with the change, 15 minutes: halts by history alone, and halts left by the calibration on the host's own past",
  run({ runs, seed }) {
    const fewer = Math.max(8, Math.floor(runs / 4));
    const bars: Bar[] = [];
    const rows = scenes.map(([name, rateOf], index) => {
      let halts = 0;
      let left = 0;
      let held = 0;
      for (let i = 0; i < fewer; i++) {
        const { halted, unreliable } = play(createPrng(seed + index * 100_003 + i), rateOf);
        if (halted) halts++;
        if (unreliable) held++;
        if (halted && !unreliable) left++;
      }
      bars.push({
        promise: `false halts in 5 % at most: ${name}`,
        measured: shareText(left, fewer),
        kept: left <= 0.05 * fewer + 1,
      });
      return [name, shareText(halts, fewer), shareText(held, fewer), shareText(left, fewer)];
    });
    return { columns: ["errors", "halts without", "may hold only", "halts with"], rows, bars };
  },
};

function play(prng: Prng, rateOf: (prng: Prng) => (block: number) => number) {
  const source = stratumSource(prng, 5, { rate: 0.01, bursty: false });
  const rate = rateOf(prng);
  const offset = prng.whole(0, 359);
  const counts = Array.from({ length: day + quarter }, (_, block) => source.next({ rate: rate(block + offset) }));
  const history = counts.slice(0, day);
  const rule = blockRule(history);
  let halted = false;
  for (const count of counts.slice(day)) {
    feedBlockRule(rule, count, nobody, 0);
    halted ||= rule.badUnits >= 3 && evidenceOf(rule).own >= logBar;
  }
  const units = history.map((changed, block) => ({
    startsAt: (block * 10_000) as never,
    changed,
    others: nobody,
    hosts: 0,
  }));
  return { halted, unreliable: isUnreliable({ units, tolerance: strict, compared: false, runMs: minutes(15) }) };
}

function wandering(prng: Prng): () => number {
  let position = 0;
  return () => {
    position = 0.997 * position + 0.15 * (prng.next() - 0.5);
    return Math.min(0.05, Math.max(0.002, 0.01 * Math.exp(2 * position)));
  };
}
