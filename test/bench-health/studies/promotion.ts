import { klLower } from "@sluice/core/health/kl-lower";
import { logNonInferior } from "@sluice/core/health/non-inferior";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { poisson } from "../poisson.ts";
import { type Bar, quantile, type Study, shareText } from "../study.ts";

const historyRequests = 36_000;
const requestsMax = 20_000;
const step = 10;
const falsePass = 0.05;

/** Health-verdict §3.6. */
export const promotion: Study = {
  name: "promotion",
  title:
    "requests until a pass, median (90 %), and passes although the rate rose by exactly what had to be ruled out (5 % at most)",
  run({ runs, seed }) {
    const bars: Bar[] = [];
    const cells = [0, 0.001, 0.01].flatMap((base) => [0.005, 0.01, 0.05].map((increase) => ({ base, increase })));
    const rows = cells.map(({ base, increase }, index) => {
      const prng = createPrng(seed + index * 100_003);
      const needed = collect(runs, () => passesAfter(prng, base, increase, base));
      const wrongly = collect(runs, () => passesAfter(prng, base, increase, base + increase)).length;
      const name = `${base * 100} %, increase ${increase * 100} %`;
      bars.push({
        promise: `wrongly passed in 5 % at most: ${name}`,
        measured: shareText(wrongly, runs),
        kept: wrongly <= falsePass * runs,
      });
      return [
        name,
        `${quantile(needed, 0.5)} (${quantile(needed, 0.9)})`,
        shareText(needed.length, runs),
        shareText(wrongly, runs),
      ];
    });
    return { columns: ["base, to rule out", "requests", "passed within 20,000", "wrongly passed"], rows, bars };
  },
};

function passesAfter(prng: Prng, base: number, increase: number, rate: number): number | undefined {
  const before = Math.min(historyRequests, poisson(prng, historyRequests * base));
  const limit = klLower(historyRequests, before, falsePass / 2) + increase;
  let bad = 0;
  for (let requests = step; requests <= requestsMax; requests += step) {
    for (let i = 0; i < step; i++) if (prng.chance(rate)) bad++;
    if (logNonInferior({ requests, bad }, limit) >= Math.log(2 / falsePass)) return requests;
  }
  return undefined;
}

function collect(runs: number, once: () => number | undefined): readonly number[] {
  return Array.from({ length: runs }, once).filter((value) => value !== undefined);
}
