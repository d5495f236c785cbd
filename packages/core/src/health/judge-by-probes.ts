import { between, formatDuration } from "../units/time.ts";
import type { Judge, StratumEvidence, Verdict } from "./verdict.ts";

/** Failures in a row that end a wave: one may be a dropped packet, two its retry. */
export const badInRowMax = 3;

/** Successes in a row that a required stratum needs before its wave passes. */
export const goodInRowNeeded = 3;

/**
 * Judges by probes against what is configured to be expected: three failures in a row on a required binding are a
 * regression, three successes in a row on every one of them are a pass, as long as they are news: silence is neither, and
 * nothing required is no pass (promise 7).
 */
export const judgeByProbes: Judge = ({ strata, now, since, soakMs, freshMs }): Verdict => {
  const required = strata.filter((one) => one.required && one.stratum.source === "probe");
  const failing = required.filter(({ badInRow }) => badInRow >= badInRowMax);
  const reasons = failing.filter((one) => innocence(one) === undefined).map((one) => explain(one, strata));
  if (reasons.length > 0) return { kind: "regressed", reasons };
  if (required.length === 0)
    return { kind: "inconclusive", missing: ["no probe of any binding is asked for, so nothing can prove it"] };
  const missing = required.flatMap((one) => {
    if (one.goodInRow < goodInRowNeeded) return [wanted(one)];
    if (one.coveredMs < soakMs) {
      return [`${nameOf(one)} is known to be good for ${formatDuration(one.coveredMs)} of ${formatDuration(soakMs)}`];
    }
    const silentMs = between(one.heardAt ?? since, now);
    return silentMs > freshMs ? [`${nameOf(one)} was last heard of ${formatDuration(silentMs)} ago`] : [];
  });
  if (missing.length > 0) return { kind: "inconclusive", missing };
  return { kind: "pass", reasons: [`${required.length} of ${required.length} probed ways answer as expected`] };
};

const nameOf = ({ host, stratum }: StratumEvidence): string => `${stratum.binding} via ${stratum.hop} on ${host}`;

/** Why a failure is not this change's doing; `undefined` when it may well be. */
function innocence(one: StratumEvidence): string | undefined {
  const { history, controls } = one;
  if (history.cleanBlocks === 0 && history.badBlocks.length > 0) return "it failed before the change as well";
  const others = controls
    .map(({ blocks }) => blocks.findLast(({ requests }) => requests > 0))
    .filter((block) => block !== undefined);
  const allFail = others.length > 0 && others.every(({ requests, bad }) => bad === requests);
  return allFail ? "it fails on hosts that were not changed as well" : undefined;
}

/** `app.com via edge on web-1: 3 failures in a row since the switch, answered 400; …; not affected: app.local via slot`. */
function explain(one: StratumEvidence, all: readonly StratumEvidence[]): string {
  const said = one.lastFailure === undefined ? "" : `, ${one.lastFailure}`;
  const fine = all.filter((other) => other.host === one.host && other.badInRow === 0 && other.goodInRow > 0);
  const ways = fine.map(({ stratum }) => `${stratum.binding} via ${stratum.hop}`);
  const spared = ways.length === 0 ? "nothing else on this host answers well" : `not affected: ${ways.join(", ")}`;
  return [
    `${nameOf(one)}: ${one.badInRow} failures in a row since the switch${said}`,
    before(one),
    ...elsewhere(one),
    spared,
  ].join("; ");
}

function before({ history: { cleanBlocks, badBlocks } }: StratumEvidence): string {
  const blocks = cleanBlocks + badBlocks.length;
  if (blocks === 0) return "never probed here before";
  return `before it ${badBlocks.length} of ${blocks} blocks of ten seconds had failures`;
}

function elsewhere({ controls }: StratumEvidence): readonly string[] {
  const blocks = controls.flatMap((control) => control.blocks);
  const requests = blocks.reduce((sum, block) => sum + block.requests, 0);
  if (requests === 0) return [];
  const bad = blocks.reduce((sum, block) => sum + block.bad, 0);
  const hosts = controls.filter((control) => control.blocks.length > 0).length;
  return [`on ${hosts} other host${hosts === 1 ? "" : "s"} ${bad} of ${requests} in the same time`];
}

/** What a stratum that neither passes nor halts still lacks. */
function wanted(one: StratumEvidence): string {
  const name = nameOf(one);
  if (one.badInRow > 0) {
    const why = one.badInRow >= badInRowMax ? innocence(one) : undefined;
    return `${name} fails (${one.badInRow} in a row${one.lastFailure === undefined ? "" : `, ${one.lastFailure}`})${why === undefined ? "" : `, but ${why}`}`;
  }
  const results = one.goodInRow === 0 ? "has no result since the switch" : `has ${one.goodInRow} good`;
  return `${name} ${results}, needs ${goodInRowNeeded - one.goodInRow} more in a row`;
}
