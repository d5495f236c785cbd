import { feedShare, isSilent, type ShareOfTraffic, shareOfTraffic } from "@sluice/core/health/share-of-traffic";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { poisson } from "../poisson.ts";
import { type Bar, quantile, type Study, shareText } from "../study.ts";

const historyBlocks = 2160;
const blocks = 360;

/** Requests a second of the changed host and of all others together. */
const scenes: readonly (readonly [string, number, number, number])[] = [
  ["3 others, 1 req/s each", 1, 3, 0],
  ["3 others, 6/min each", 0.1, 0.3, 0],
  ["1 other, 6/min each", 0.1, 0.1, 0],
  ["a tenth of the traffic, 1 req/s", 1, 9, 0],
  ["shares that wander by a third, 1 req/s", 1, 3, 0.33],
];

/** The formula of silence, which health-verdict leaves unsimulated (§2.7, §3.7). */
export const silence: Study = {
  name: "silence",
  title:
    "called silent within an hour although requests come as before (5 % at most), and seconds until it is called so when none come",
  run({ runs, seed }) {
    const bars: Bar[] = [];
    const rows = scenes.map(([name, changed, others, wander], index) => {
      const prng = createPrng(seed + index * 100_003);
      const wrongly = Array.from({ length: runs }, () => silentAfter(prng, changed, others, wander, 1)).filter(
        Number.isFinite,
      ).length;
      const times = Array.from({ length: runs }, () => silentAfter(prng, changed, others, wander, 0));
      const worst = quantile(times, 0.9);
      bars.push({
        promise: `called silent wrongly in 5 % at most: ${name}`,
        measured: shareText(wrongly, runs),
        kept: wrongly <= 0.05 * runs + 1,
      });
      bars.push({
        promise: `silence found within the hour: ${name}`,
        measured: `${worst} s (90 %)`,
        kept: Number.isFinite(worst),
      });
      return [name, shareText(wrongly, runs), `${quantile(times, 0.5)} / ${worst}`];
    });
    return { columns: ["traffic", "wrongly", "found, median / 90 %"], rows, bars };
  },
};

function silentAfter(prng: Prng, changed: number, others: number, wander: number, factor: number): number {
  const tilt = wanderer(prng, wander);
  const block = (of: number) => {
    const mine = poisson(prng, changed * 10 * of * tilt());
    return { mine, theirs: poisson(prng, others * 10) };
  };
  const shares = Array.from({ length: historyBlocks }, () => block(1))
    .filter(({ theirs }) => theirs > 0)
    .map(({ mine, theirs }) => mine / (mine + theirs));
  let share: ShareOfTraffic = shareOfTraffic("web-1", shares, changed);
  for (let i = 1; i <= blocks; i++) {
    const { mine, theirs } = block(factor);
    share = feedShare(share, mine, theirs);
    if (isSilent(share, i * 10)) return i * 10;
  }
  return Number.POSITIVE_INFINITY;
}

/** A slow random factor around 1: clients that stick to a host come and go. */
function wanderer(prng: Prng, width: number): () => number {
  let position = 0;
  return () => {
    position = 0.995 * position + 0.1 * width * (prng.next() + prng.next() + prng.next() - 1.5) * 2;
    return Math.exp(position - (width * width) / 2);
  };
}
