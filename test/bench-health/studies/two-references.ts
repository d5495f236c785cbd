import { createPrng } from "../../simulation/prng.ts";
import { blockHaltOf, type Reference } from "../block-halt.ts";
import { type SiteRun, simulateSite, siteRun } from "../simulate-site.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const perSecond = [9];

const scenes: readonly (readonly [string, SiteRun])[] = [
  ["all hosts x5 errors for 15 min", siteRun({ perSecond, drift: (block) => (block >= 30 && block < 120 ? 5 : 1) })],
  ["changed host always 2x the others", siteRun({ perSecond, changedFactor: 2 })],
  ["bursty 1 %", siteRun({ perSecond, base: { rate: 0.01, bursty: true } })],
  ["bursty 5 %", siteRun({ perSecond, base: { rate: 0.05, bursty: true } })],
];

const references: readonly Reference[] = ["same", "own", "both"];

/** Health-verdict §3.3. */
export const twoReferences: Study = {
  name: "two-references",
  title:
    "false halts by what a host is compared with, and how often one stratum ever reaches 20 : 1 (at most 5 % promised)",
  run({ runs, seed }) {
    const bars: Bar[] = [];
    const rows = scenes.map(([name, run], index) => {
      const counts = Array.from({ length: runs }, (_, i) => simulateSite(createPrng(seed + index * 100_003 + i), run));
      const halted = (reference: Reference, logBar: number) =>
        counts.filter((one) => blockHaltOf({ run, counts: one, reference, logBar }, 0) !== undefined).length;
      const both = halted("both", Math.log(1e4));
      const suspected = halted("both", Math.log(20));
      bars.push({ promise: `no false halt: ${name}`, measured: `${both} of ${runs}`, kept: both === 0 });
      bars.push({
        promise: `20 : 1 in 5 % at most: ${name}`,
        measured: shareText(suspected, runs),
        kept: suspected <= 0.05 * runs + 1,
      });
      return [
        name,
        ...references.map((one) => shareText(halted(one, Math.log(1e4)), runs)),
        shareText(suspected, runs),
      ];
    });
    return { columns: ["nothing is wrong, but", "others only", "history only", "both", "both reach 20"], rows, bars };
  },
};
