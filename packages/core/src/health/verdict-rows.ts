import { between, type DurationMs, durationMs, type Instant } from "../units/time.ts";
import { isRequired } from "./health-settings.ts";
import { type HealthState, settingsOf } from "./health-state.ts";
import { type Proof, proofOf } from "./proof.ts";
import type { RowState, Tally, VerdictRow } from "./verdict-row.ts";
import { isShared, isSuspect, type Weighed } from "./weigh.ts";

/** Evidence is shown up to this; JSON knows no infinity. */
const shownMax = 1e300;

export interface RowsInput {
  readonly state: HealthState;
  readonly weighed: readonly Weighed[];
  readonly regressed: readonly Weighed[];
  readonly now: Instant;
  /** How long the newest answer of a probe speaks for the present. */
  readonly freshMs: DurationMs;
}

/** The table of evidence: one row for each stratum of each changed host. */
export function verdictRows(input: RowsInput): readonly VerdictRow[] {
  return input.weighed.map((one) => rowOf(input, one));
}

function rowOf(input: RowsInput, one: Weighed): VerdictRow {
  const { state } = input;
  const { test } = one;
  const proof = proofOf(state, one, input);
  return {
    host: test.host,
    stratum: test.stratum,
    required: proof.toRuleOut !== undefined || isRequired(settingsOf(state, test), test.stratum),
    state: stateOf(input, one, proof),
    since: test.since,
    observedMs: durationMs(Math.max(0, between(test.since, test.fedUntil))),
    now: whole(test.now),
    before: whole(test.before),
    others: { ...whole(test.others), hosts: test.others.hosts },
    references: one.references,
    evidence: Math.min(shownMax, Math.exp(one.logShown)),
    bar: Math.exp(one.logBar),
    ...(test.newestAt === undefined ? {} : { newestAt: test.newestAt }),
    ...(test.lastFailure === undefined ? {} : { lastFailure: test.lastFailure }),
    ruledOut: proof.ruledOut,
    ...(proof.toRuleOut === undefined ? {} : { toRuleOut: proof.toRuleOut }),
    ...(proof.missing === undefined ? {} : { missing: proof.missing }),
  };
}

/** Of requests whose latency lies in the bucket where slow begins, a part counts. */
const whole = ({ requests, bad }: Tally): Tally => ({ requests, bad: Math.round(bad) });

function stateOf({ regressed }: RowsInput, one: Weighed, proof: Proof): RowState {
  if (regressed.includes(one)) return "regressed";
  if (isShared(one)) return proof.kind === "proven" ? "fine" : "shared";
  if (isSuspect(one)) return "suspect";
  return proof.kind === "proven" ? "fine" : proof.kind;
}
