import {
  after,
  between,
  type DurationMs,
  durationMs,
  formatDuration,
  type Instant,
  instant,
  seconds,
} from "../units/time.ts";
import { describeMissing, describePass, describeRegression } from "./describe-row.ts";
import { findRegressed } from "./find-regressed.ts";
import { settingsAt } from "./health-settings.ts";
import type { HealthState } from "./health-state.ts";
import type { Verdict } from "./verdict.ts";
import type { VerdictRow } from "./verdict-row.ts";
import { verdictRows } from "./verdict-rows.ts";
import { weighTests } from "./weigh.ts";

/** What is asked of the tests. */
export interface TestsQuestion {
  readonly now: Instant;
  /** Hosts under judgement, all changed. Others that changed before can still halt or hold, but have not to be proven again. */
  readonly hosts: readonly string[];
  /** Evidence has to span this much time since the change; `minBakeMs` after the warm-up, if that is more. */
  readonly soakMs?: DurationMs;
  /** How long the newest answer of a probe speaks for the present; half a minute when absent. */
  readonly freshMs?: DurationMs;
}

/** Three rounds without an answer are no accident. */
const freshMsUsual = seconds(30);

/**
 * The verdict on the hosts of a wave (health-verdict §0): regressed as soon as the evidence of all strata together says so;
 * pass when every required stratum of every host has ruled out an increase, none is suspect, and the time to bake is over;
 * inconclusive otherwise, whatever time has passed (promise 7).
 */
export function judgeTests(state: HealthState, question: TestsQuestion): Verdict {
  const weighed = weighTests(state);
  const regressed = findRegressed(weighed);
  const { now, freshMs = freshMsUsual } = question;
  const all = verdictRows({ state, weighed, regressed, now, freshMs });
  const rows = all.filter(
    ({ host, state: of }) => question.hosts.includes(host) || of === "regressed" || of === "suspect",
  );
  const guilty = rows.filter((row) => row.state === "regressed");
  if (guilty.length > 0)
    return { kind: "regressed", reasons: guilty.map((row) => describeRegression(row, rows)), rows };
  const missing = [
    ...rows.filter(isShared).flatMap((row) => missingIn(row, now)),
    ...rows.filter((row) => !isShared(row)).flatMap((row) => missingIn(row, now)),
    ...question.hosts.flatMap((host) => missingOn(state, question, host, rows)),
  ];
  if (missing.length === 0) return { kind: "pass", reasons: rows.filter(isProof).map(describePass), rows };
  const unhealthy = rows.some(isShared) ? { environmentUnhealthy: true as const } : {};
  return { kind: "inconclusive", missing: [...new Set(missing)], ...unhealthy, rows };
}

/** Told first: it is what pauses a rollout. */
const isShared = ({ state }: VerdictRow): boolean => state === "shared";

const missingIn = (row: VerdictRow, now: Instant): readonly string[] =>
  row.state === "fine" ? [] : [describeMissing(row, now)];

/** A stratum that had to rule out something, and did. */
const isProof = ({ toRuleOut }: VerdictRow): boolean => toRuleOut !== undefined;

/** What the host as a whole lacks. */
function missingOn(
  state: HealthState,
  question: TestsQuestion,
  host: string,
  rows: readonly VerdictRow[],
): readonly string[] {
  const changedAt = state.hosts[host]?.changedAt;
  if (changedAt === undefined) return [`${host} is not known to be changed`];
  if (!rows.some((row) => row.host === host && isProof(row))) return [`nothing on ${host} can prove the change`];
  const until = bakedAt(state, host, changedAt, question.soakMs);
  const spanned = Math.min(question.now, ...newestOf(state, host));
  return spanned >= until ? [] : [`${host} bakes for ${formatDuration(between(instant(spanned), until))} more`];
}

/** The site that takes longest decides for its host. */
function bakedAt(state: HealthState, host: string, changedAt: Instant, soakMs = durationMs(0)): Instant {
  const { environment = "", strata = [] } = state.hosts[host] ?? {};
  const settings = strata.map(({ site }) => settingsAt(state.settings, environment, site));
  const bakes = settings.map(({ warmUpMs, minBakeMs }) => warmUpMs + minBakeMs);
  return after(changedAt, durationMs(Math.max(soakMs, ...bakes)));
}

/** The newest answer of each required probe: what came before says nothing about the end of the time to bake. */
const newestOf = ({ tests }: HealthState, host: string): readonly Instant[] =>
  Object.values(tests).flatMap((test) =>
    test.host === host && test.stratum.source === "probe" && test.toRuleOut !== undefined && test.newestAt !== undefined
      ? [test.newestAt]
      : [],
  );
