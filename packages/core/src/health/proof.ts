import { between, type DurationMs, durationMs, type Instant } from "../units/time.ts";
import { isRequired } from "./health-settings.ts";
import { type HealthState, type StratumTest, settingsOf } from "./health-state.ts";
import { excludedRate, goodRequestsMissing, type NonInferior } from "./non-inferior.ts";
import { increaseOfProbe, lowestOldRate } from "./required-increase.ts";
import { goodRoundsForPass, unitsForPass } from "./rule.ts";
import { isSilent } from "./share-of-traffic.ts";
import { sameBinding, wayKey } from "./tested-stratum.ts";
import { blockMs } from "./traffic-block.ts";
import type { Tally, VerdictRow } from "./verdict-row.ts";
import { isShared, type Weighed } from "./weigh.ts";

/**
 * What the evidence proves in favour of a stratum. Required strata are `proven` when an increase is ruled out, by fresh
 * evidence; others are proven from the start, since a pass does not ask for them.
 */
export interface Proof {
  readonly kind: "proven" | "silent" | "no-data" | "needs-more";
  /** The smallest increase that is excluded by now. */
  readonly ruledOut: number;
  readonly toRuleOut?: number;
  readonly missing?: NonNullable<VerdictRow["missing"]>;
}

export interface ProofTime {
  readonly now: Instant;
  readonly freshMs: DurationMs;
}

/** The dual of a halt (health-verdict §2.5): nothing passes without evidence that it did not get worse. */
export function proofOf(state: HealthState, one: Weighed, time: ProofTime): Proof {
  return one.test.stratum.source === "probe" ? proofOfProbe(state, one.test, time) : proofOfTraffic(state, one, time);
}

/** The base of a probe is nothing by definition, so that no doubt is spent on it. */
function proofOfProbe(state: HealthState, test: StratumTest, time: ProofTime): Proof {
  const { toRuleOut } = test;
  if (toRuleOut !== undefined) return proofOfAnswers(state, test, toRuleOut, time);
  return { kind: "proven", ruledOut: excludedRate(test.calm, logBarOfProbe(state, test)) };
}

const logBarOfProbe = (state: HealthState, test: StratumTest): number => -Math.log(settingsOf(state, test).falsePass);

function proofOfAnswers(state: HealthState, test: StratumTest, toRuleOut: number, { now, freshMs }: ProofTime): Proof {
  const logBar = logBarOfProbe(state, test);
  const ruledOut = excludedRate(test.calm, logBar);
  const inRow = Math.max(0, goodRoundsForPass - test.goodInRow);
  const lacking = Math.max(inRow, goodRequestsMissing(test.calm, toRuleOut, logBar));
  const missing = missingOf(test, lacking);
  if (test.newestAt === undefined || between(test.newestAt, now) > freshMs) {
    return { kind: "no-data", ruledOut, toRuleOut, missing };
  }
  return lacking > 0 ? { kind: "needs-more", ruledOut, toRuleOut, missing } : { kind: "proven", ruledOut, toRuleOut };
}

function proofOfTraffic(state: HealthState, one: Weighed, time: ProofTime): Proof {
  const { test } = one;
  const { toRuleOut } = test;
  const logBar = Math.log(2 / settingsOf(state, test).falsePass);
  const oldRate = oldRateOf(state, one);
  const counts = spread(isShared(one) ? test.now : test.calm, test.dispersion);
  const ruledOut = Math.min(1, Math.max(0, excludedRate(counts, logBar) - oldRate));
  if (isMissed(state, test)) return { kind: "silent", ruledOut, ...(toRuleOut === undefined ? {} : { toRuleOut }) };
  if (toRuleOut === undefined) return { kind: "proven", ruledOut };
  const lacking = Math.ceil(goodRequestsMissing(counts, oldRate + toRuleOut, logBar) * test.dispersion);
  const missing = missingOf(test, lacking);
  if (test.units === 0) return { kind: "no-data", ruledOut, toRuleOut, missing };
  if (lacking > 0 || test.units < unitsForPass || (isShared(one) && !probesProve(state, test, time))) {
    return { kind: "needs-more", ruledOut, toRuleOut, missing };
  }
  return { kind: "proven", ruledOut, toRuleOut };
}

/** What the bad share was at least; where the others got worse as well, what it is at least with them. */
function oldRateOf(state: HealthState, one: Weighed): number {
  const { before, others, dispersion } = one.test;
  const { falsePass } = settingsOf(state, one.test);
  const own = lowestOldRate(before, dispersion, falsePass);
  return isShared(one) ? Math.max(own, lowestOldRate(others, dispersion, falsePass)) : own;
}

/** Requests that come in bursts count as fewer. */
const spread = ({ requests, bad }: Tally, dispersion: number): NonInferior => ({
  requests: requests / dispersion,
  bad: bad / dispersion,
});

/** Users that have to prove the change stay away; no probe stands in for those who should be there. */
const isMissed = (state: HealthState, test: StratumTest): boolean => {
  const share = state.shares[`${test.host}|${wayKey(test.stratum)}`];
  const required = isRequired(settingsOf(state, test), test.stratum);
  return required && share !== undefined && isSilent(share, countedMs(test) / 1000);
};

/** Time of which the blocks are in. The block in which the change happened belongs to nobody, so that it does not count. */
function countedMs({ since, fedUntil, unitMs }: StratumTest): number {
  return Math.max(0, fedUntil - Math.ceil(since / unitMs) * unitMs);
}

const probesOf = ({ tests }: HealthState, test: StratumTest): readonly StratumTest[] =>
  Object.values(tests).filter(
    ({ host, stratum }) => host === test.host && stratum.source === "probe" && sameBinding(stratum, test.stratum),
  );

/** All probes of the binding have answered well, asked for or not, and there are some. */
function probesProve(state: HealthState, test: StratumTest, time: ProofTime): boolean {
  const probes = probesOf(state, test);
  return (
    probes.length > 0 &&
    probes.every((probe) => proofOfAnswers(state, probe, probe.toRuleOut ?? increaseOfProbe, time).kind === "proven")
  );
}

/** How many good ones are missing, and how long they take at the rate since the change, or before it. */
function missingOf(test: StratumTest, requests: number): NonNullable<VerdictRow["missing"]> {
  const observedS = (test.stratum.source === "probe" ? between(test.since, test.fedUntil) : countedMs(test)) / 1000;
  const rate = test.now.requests > 0 && observedS > 0 ? test.now.requests / observedS : expectedRate(test);
  if (!Number.isFinite(requests)) return {};
  return rate > 0 ? { requests, takesMs: durationMs(Math.ceil((requests / rate) * 1000)) } : { requests };
}

const expectedRate = ({ stratum, before }: StratumTest): number =>
  stratum.source === "probe" ? 1000 / blockMs : before.requestsPerSecond;
