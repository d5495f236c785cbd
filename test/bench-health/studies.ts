import { falseHalts } from "./studies/false-halts.ts";
import { manyProbes } from "./studies/many-probes.ts";
import { placebo } from "./studies/placebo.ts";
import { probeRounds } from "./studies/probe-rounds.ts";
import { promotion } from "./studies/promotion.ts";
import { sharedOutages } from "./studies/shared-outages.ts";
import { shortHistory } from "./studies/short-history.ts";
import { silence } from "./studies/silence.ts";
import { slowTogether } from "./studies/slow-together.ts";
import { timeToHalt } from "./studies/time-to-halt.ts";
import { twoReferences } from "./studies/two-references.ts";
import { wholeRollouts } from "./studies/whole-rollouts.ts";
import type { Study } from "./study.ts";

/** The longest first, so that two workers end together. */
export const studies: readonly Study[] = [
  falseHalts,
  wholeRollouts,
  timeToHalt,
  twoReferences,
  sharedOutages,
  shortHistory,
  slowTogether,
  manyProbes,
  placebo,
  promotion,
  silence,
  probeRounds,
];
