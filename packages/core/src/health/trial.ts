import type { SiteDuties } from "../intent/intent.ts";
import { freshFor } from "../probing/fresh.ts";
import type { Standing } from "../rollout/capacity.ts";
import { grantOf, type HostView } from "../rollout/plan-input.ts";
import type { StepState } from "../rollout/rollout.ts";
import { isTouched, placedSteps } from "../rollout/wave.ts";
import { type Instant, instant } from "../units/time.ts";
import type { HealthState } from "./health-state.ts";
import type { TestsQuestion } from "./judge-tests.ts";
import { blockMs } from "./traffic-block.ts";

/**
 * What has to be proven now: the hosts of the present wave that are live on trial. Between waves that is no host, and what
 * passed before can still halt. Once nothing is on trial any more it is every host, so that the table tells of all.
 */
export function trialOf(
  { rollout, state }: Standing,
  dutiesOf: (host: string) => readonly Pick<SiteDuties, "probeEveryMs">[],
): Omit<TestsQuestion, "now"> {
  const phase = state.phase === "paused" ? state.resumeTo : state;
  if (!("at" in phase)) return { hosts: Object.keys(state.steps) };
  const stage = rollout.stages[phase.at.stage];
  const wave = stage?.waves[phase.at.wave] ?? [];
  const hosts = wave.map(({ host }) => host).filter((host) => state.steps[host]?.kind === "provisional");
  const soak = stage === undefined ? {} : { soakMs: stage.gates.soakMs };
  const everyMs = hosts.flatMap(dutiesOf).map(({ probeEveryMs }) => probeEveryMs);
  return { hosts, freshMs: freshFor(...everyMs), ...soak };
}

/**
 * Whether evidence counts for a rollout: hosts are being changed, are on trial, or have passed in a wave before. What halted it,
 * or whether it was worth completing, has been decided by what was known then.
 */
export function isTested({ state }: Standing): boolean {
  switch (state.phase) {
    case "activating":
    case "observing":
    case "paused":
      return true;
    case "waiting-for-gates":
      return Object.values(state.steps).some(isTouched);
    default:
      return false;
  }
}

/** A host that changed and is not under test yet. */
export interface Untested {
  readonly host: string;
  readonly since: Instant;
}

/** The next host whose tests have to begin; each host once, in the order of the rollout. */
export function nextUntested(
  { rollout, state }: Standing,
  { hosts }: HealthState,
  views: Readonly<Record<string, HostView>>,
  now: Instant,
): Untested | undefined {
  for (const { change, step } of placedSteps(rollout, state.steps)) {
    const { host } = change;
    if (hosts[host] === undefined || hosts[host].changedAt !== undefined) continue;
    const since = changedSince(views[host], step, now);
    if (since !== undefined) return { host, since };
  }
  return undefined;
}

/** A site on a host. */
export interface CountedPlace {
  readonly host: string;
  readonly site: string;
}

/** Whoever comes under test, or is compared with, does so when a host changes. */
const placesCounted = new WeakMap<HealthState["hosts"], readonly CountedPlace[]>();

/** Where evidence of the tests comes from: hosts that changed, and those they are compared with; each once. */
export function countedPlaces({ hosts, tests }: HealthState): readonly CountedPlace[] {
  const known = placesCounted.get(hosts);
  if (known !== undefined) return known;
  const bySite = new Map<string, Set<string>>();
  for (const { host, comparedWith, stratum } of Object.values(tests)) {
    const counted = bySite.get(stratum.site) ?? new Set<string>();
    bySite.set(stratum.site, counted.add(host));
    for (const one of comparedWith) counted.add(one);
  }
  const places = [...bySite].flatMap(([site, counted]) => [...counted].map((host) => ({ host, site })));
  placesCounted.set(hosts, places);
  return places;
}

/** Clocks of hosts that keep time, and words that are under way, differ by less; more is a clock that is wrong. */
const agreesWithinMs = 10_000;

/**
 * When the change went live on a host, by the clock of the coordinator, which dates the rounds of probes. The host's word is
 * taken as it is while its clock agrees with ours; a clock that is wrong would make old evidence new, or new evidence old, and
 * then only the time that has passed since the switch is believed.
 */
export function changedSince(view: HostView | undefined, step: StepState, now: Instant): Instant | undefined {
  if (step.kind === "passed") return step.at;
  if (step.kind !== "provisional") return undefined;
  const progress = grantOf(view, step.grant)?.progress;
  if (progress?.kind !== "provisional" || view?.observation === undefined) return step.since;
  const ours = instant(now - Math.max(0, view.observation.at - progress.switchedAt));
  return Math.abs(ours - progress.switchedAt) <= agreesWithinMs ? progress.switchedAt : ours;
}

/** A host that says nothing for this long is not waited for: its blocks and rounds come too late. */
const waitedForMs = 30_000;

/**
 * Until when evidence is all in, from where that of each host ends that is waited for; undefined: nothing of it is in. Hosts send
 * in order of time. Waiting ends in steps of a block, so that the time that passes is no news by itself.
 */
export function allInUntil(ends: readonly (number | undefined)[], now: Instant): Instant {
  const waited = Math.floor((now - waitedForMs) / blockMs) * blockMs;
  return instant(Math.min(now, ...ends.map((end) => Math.max(waited, end ?? waited))));
}
