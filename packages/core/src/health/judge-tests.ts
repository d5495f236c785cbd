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
import { isSuspect, type Weighed, weighTests } from "./weigh.ts";

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
  const { weighed, regressed } = weighedIn(state);
  const { now, freshMs = freshMsUsual } = question;
  const asked = new Set(question.hosts);
  const told = weighed.filter((one) => asked.has(one.test.host) || isSuspect(one) || regressed.includes(one));
  const rows = verdictRows({ state, weighed: told, regressed, now, freshMs });
  const guilty = rows.filter((row) => row.state === "regressed");
  if (guilty.length > 0)
    return { kind: "regressed", reasons: guilty.map((row) => describeRegression(row, rows)), rows };
  const missing = [
    ...rows.filter(isShared).flatMap((row) => missingIn(row, now)),
    ...rows.filter((row) => !isShared(row)).flatMap((row) => missingIn(row, now)),
    ...missingOnHosts(state, question, rows),
  ];
  if (missing.length === 0) return { kind: "pass", reasons: rows.filter(isProof).map(describePass), rows };
  const unhealthy = rows.some(isShared) ? { environmentUnhealthy: true as const } : {};
  return { kind: "inconclusive", missing: [...new Set(missing)], ...unhealthy, rows };
}

interface WeighedState {
  readonly weighed: readonly Weighed[];
  readonly regressed: readonly Weighed[];
}

/** What the evidence says changes with the evidence only; between two rounds it is asked for again and again. */
const weighedStates = new WeakMap<HealthState, WeighedState>();

function weighedIn(state: HealthState): WeighedState {
  const known = weighedStates.get(state);
  if (known !== undefined) return known;
  const weighed = weighTests(state);
  const found = { weighed, regressed: findRegressed(weighed) };
  weighedStates.set(state, found);
  return found;
}

/** Told first: it is what pauses a rollout. */
const isShared = ({ state }: VerdictRow): boolean => state === "shared";

const missingIn = (row: VerdictRow, now: Instant): readonly string[] =>
  row.state === "fine" ? [] : [describeMissing(row, now)];

/** A stratum that had to rule out something, and did. */
const isProof = ({ toRuleOut }: VerdictRow): boolean => toRuleOut !== undefined;

/** What each host as a whole lacks. */
function missingOnHosts(state: HealthState, question: TestsQuestion, rows: readonly VerdictRow[]): readonly string[] {
  const proofs = new Set(rows.filter(isProof).map(({ host }) => host));
  const newest = newestByHost(state);
  return question.hosts.flatMap((host) => missingOn(state, question, host, { proofs, newest }));
}

function missingOn(
  state: HealthState,
  question: TestsQuestion,
  host: string,
  { proofs, newest }: { readonly proofs: ReadonlySet<string>; readonly newest: ReadonlyMap<string, Instant> },
): readonly string[] {
  const changedAt = state.hosts[host]?.changedAt;
  if (changedAt === undefined) return [`${host} is not known to be changed`];
  if (!proofs.has(host)) return [`nothing on ${host} can prove the change`];
  const until = bakedAt(state, host, changedAt, question.soakMs);
  const spanned = Math.min(question.now, newest.get(host) ?? question.now);
  return spanned >= until ? [] : [`${host} bakes for ${formatDuration(between(instant(spanned), until))} more`];
}

/** The site that takes longest decides for its host. */
function bakedAt(state: HealthState, host: string, changedAt: Instant, soakMs = durationMs(0)): Instant {
  const { environment = "", strata = [] } = state.hosts[host] ?? {};
  const settings = strata.map(({ site }) => settingsAt(state.settings, environment, site));
  const bakes = settings.map(({ warmUpMs, minBakeMs }) => warmUpMs + minBakeMs);
  return after(changedAt, durationMs(Math.max(soakMs, ...bakes)));
}

/** By host the oldest of the newest answers of its required probes: what came before says nothing about the end of the time to bake. */
function newestByHost({ tests }: HealthState): ReadonlyMap<string, Instant> {
  const newest = new Map<string, Instant>();
  for (const { host, stratum, toRuleOut, newestAt } of Object.values(tests)) {
    if (stratum.source !== "probe" || toRuleOut === undefined || newestAt === undefined) continue;
    const known = newest.get(host);
    if (known === undefined || newestAt < known) newest.set(host, newestAt);
  }
  return newest;
}
