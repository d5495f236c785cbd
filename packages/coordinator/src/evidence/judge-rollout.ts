import {
  type DurationMs,
  durationMs,
  type EvidenceLog,
  evidenceFor,
  grantOf,
  type HostView,
  type Instant,
  instant,
  judgeByProbes,
  type RolloutState,
  type SiteDuties,
  type Stage,
  type StepState,
  type Verdict,
} from "@sluice/core";
import { sitesTouched } from "@sluice/core/rollout/wave";
import type { StoredRollout } from "../store/rollouts.ts";
import { requiredStrata } from "./required-strata.ts";

/** Everything a judgement of one rollout may look at. */
export interface JudgementInput {
  readonly now: Instant;
  readonly stored: StoredRollout;
  readonly evidence: EvidenceLog;
  readonly hosts: Readonly<Record<string, HostView>>;
  /** How each site of a host is looked after, from the applied fleet. */
  readonly dutiesOf: (host: string) => readonly SiteDuties[];
  /** Hosts of an environment. */
  readonly hostsOf: (environment: string) => readonly string[];
}

const nothingToJudge: Verdict = { kind: "inconclusive", missing: [] };

/** The verdict over the hosts that are live on trial in the rollout's present wave. */
export function judgeRollout(input: JudgementInput): Verdict {
  const at = waveUnderTrial(input.stored.state);
  const stage = at === undefined ? undefined : input.stored.rollout.stages[at.stage];
  if (at === undefined || stage === undefined) return nothingToJudge;
  const { steps } = input.stored.state;
  const changed = (stage.waves[at.wave] ?? []).flatMap(({ host }) => {
    const step = steps[host];
    return step?.kind === "provisional" ? [{ host, since: liveSince(input.hosts[host], step) }] : [];
  });
  if (changed.length === 0) return nothingToJudge;
  const strata = changed.flatMap(({ host }) => strataOf(input, stage, host));
  const controls = controlsOf(input, stage);
  const question = { now: input.now, changed, controls, strata };
  const since = instant(Math.max(...changed.map((one) => one.since)));
  return judgeByProbes({
    now: input.now,
    since,
    soakMs: stage.gates.soakMs,
    freshMs: freshMs(changed.flatMap(({ host }) => input.dutiesOf(host))),
    strata: evidenceFor(askedOnly(input), question),
  });
}

/** Results come in batches and over lines that stall: a few seconds of silence mean nothing. */
const freshMsMin = 30_000;

/** Three rounds that brought nothing are no accident. */
const freshMs = (duties: readonly SiteDuties[]): DurationMs =>
  durationMs(Math.max(freshMsMin, ...duties.map(({ probeEveryMs }) => 3 * probeEveryMs)));

function waveUnderTrial(state: RolloutState): { readonly stage: number; readonly wave: number } | undefined {
  if (state.phase === "observing" || state.phase === "activating") return state.at;
  return state.phase === "paused" ? state.resumeTo.at : undefined;
}

/** By the host's own clock, which is the one its probe results carry; ours while the host has not spoken. */
function liveSince(view: HostView | undefined, step: Extract<StepState, { kind: "provisional" }>): Instant {
  const progress = grantOf(view, step.grant)?.progress;
  return progress?.kind === "provisional" ? progress.switchedAt : step.since;
}

function strataOf({ stored, dutiesOf }: JudgementInput, stage: Stage, host: string) {
  const change = stage.waves.flat().find((one) => one.host === host);
  const sites = sitesTouched(stored.rollout, change?.units ?? []);
  const duties = dutiesOf(host).filter(({ site }) => sites.includes(site));
  return requiredStrata(duties).map((stratum) => ({ host, stratum, required: true }));
}

/** Hosts of the same environment that this rollout leaves as they are, or has not come to yet. */
function controlsOf({ stored, hostsOf }: JudgementInput, stage: Stage): readonly string[] {
  return hostsOf(stage.environment).filter((host) => (stored.state.steps[host]?.kind ?? "pending") === "pending");
}

/**
 * The evidence of exactly the probes that are configured now: one that is not asked any more cannot hold a wave up, and one
 * that is asked and has never answered is not hidden by the others of its binding.
 */
function askedOnly({ evidence, dutiesOf }: JudgementInput): EvidenceLog {
  const series = Object.entries(evidence.series).map(([key, one]): [string, EvidenceLog["series"][string]] => {
    const probes = dutiesOf(one.host).find(({ site }) => site === one.stratum.site)?.probes ?? [];
    const names = probes.map(({ method, path }) => `${method} ${path}`);
    return [key, { ...one, tails: Object.fromEntries(names.map((name) => [name, one.tails[name] ?? []])) }];
  });
  return { ...evidence, series: Object.fromEntries(series) };
}
