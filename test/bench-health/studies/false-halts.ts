import { defaultHealthSettings } from "@sluice/core";
import { createPrng } from "../../simulation/prng.ts";
import { anyBlockHalt } from "../block-halt.ts";
import { argoHaltsAt } from "../rules/argo-rule.ts";
import { flaggerHaltsAt } from "../rules/flagger-rule.ts";
import { kayentaHaltsAt } from "../rules/kayenta-rule.ts";
import { minutesOf, type SiteRun, simulateSite, siteRun } from "../simulate-site.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const tolerance = defaultHealthSettings.tolerance.errors;

const smallSite = [0.9, 0.1];

const scenes: readonly (readonly [string, SiteRun])[] = [
  ...[0, 0.001, 0.01, 0.05].flatMap((rate) =>
    [false, true]
      .filter((bursty) => rate > 0 || !bursty)
      .map((bursty): [string, SiteRun] => [
        `${rate * 100} %${bursty ? " bursty" : ""}`,
        siteRun({ base: { rate, bursty } }),
      ]),
  ),
  ["1 %, small site (1 req/s)", siteRun({ perSecond: smallSite })],
  ["1 % bursty, changed host has 4x the traffic", siteRun({ base: { rate: 0.01, bursty: true }, changedTraffic: 4 })],
  [
    "1 % bursty, changed host has 1/4 of the traffic",
    siteRun({ base: { rate: 0.01, bursty: true }, changedTraffic: 0.25 }),
  ],
];

/** Health-verdict §3.2, and unequal traffic, which it leaves out (§3.7). */
export const falseHalts: Study = {
  name: "false-halts",
  title: "false halts when nothing is wrong: one hour, 4 hosts, sites of three bindings (Flagger, Argo: 10 minutes)",
  run({ runs, seed }) {
    const bars: Bar[] = [];
    const rows = scenes.map(([name, run], index) => {
      const halts = haltsOf(run, runs, seed + index * 100_003);
      const { sluice, strict } = halts;
      bars.push({ promise: `no false halt: ${name}`, measured: `${sluice} of ${runs}`, kept: sluice === 0 });
      bars.push({
        promise: `without tolerance in 1 % at most: ${name}`,
        measured: shareText(strict, runs),
        kept: strict <= 0.01 * runs,
      });
      return [
        name,
        ...[halts.flagger, halts.argo, halts.kayenta30, halts.kayenta6, strict, sluice].map((of) =>
          shareText(of, runs),
        ),
      ];
    });
    return {
      columns: [
        "base error rate",
        "Flagger-like",
        "Argo-like",
        "Kayenta-like @30",
        "Kayenta-like x6",
        "Sluice without tolerance",
        "Sluice",
      ],
      rows,
      bars,
    };
  },
};

function haltsOf(run: SiteRun, runs: number, seed: number) {
  const halts = { flagger: 0, argo: 0, kayenta30: 0, kayenta6: 0, strict: 0, sluice: 0 };
  for (let i = 0; i < runs; i++) {
    const counts = simulateSite(createPrng(seed + i), run);
    const changed = minutesOf(counts.changed);
    const others = minutesOf(counts.others);
    if (flaggerHaltsAt(changed) !== undefined) halts.flagger++;
    if (argoHaltsAt(changed) !== undefined) halts.argo++;
    if (kayentaHaltsAt(changed, others, [30]) !== undefined) halts.kayenta30++;
    if (kayentaHaltsAt(changed, others, [10, 20, 30, 40, 50, 60]) !== undefined) halts.kayenta6++;
    if (anyBlockHalt({ run, counts }) !== undefined) halts.strict++;
    if (anyBlockHalt({ run, counts, tolerance }) !== undefined) halts.sluice++;
  }
  return halts;
}
