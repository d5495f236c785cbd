import {
  type DurationMs,
  durationMs,
  type EvidenceQuestion,
  type GrantObservation,
  type Instant,
  instant,
  type Rollout,
  type RolloutState,
} from "@sluice/core";
import { placedSteps } from "@sluice/core/rollout/wave";
import { waysOf } from "./simulated-fleet.ts";

/** What has to be judged while a wave is on trial; nothing in other phases. */
export function questionOf(
  rollout: Rollout,
  state: RolloutState,
  grantOf: (host: string, grant: string) => GrantObservation | undefined,
  now: Instant,
): { readonly since: Instant; readonly soakMs: DurationMs; readonly question: EvidenceQuestion } | undefined {
  if (state.phase !== "observing" && state.phase !== "paused") return undefined;
  const placed = placedSteps(rollout, state.steps);
  const changed = placed.flatMap(({ change: { host }, step }) => {
    const seen = step.kind === "provisional" ? grantOf(host, step.grant)?.progress : undefined;
    return seen?.kind === "provisional" ? [{ host, since: seen.switchedAt }] : [];
  });
  const trial = placed.filter(({ step }) => step.kind === "provisional").map(({ change }) => change.host);
  const controls = placed.filter(({ step }) => step.kind === "pending").map(({ change }) => change.host);
  const strata = trial.flatMap((host) => rollout.sites.flatMap((site) => strataOf(host, site)));
  const since = changed.reduce((latest, one) => instant(Math.max(one.since, latest)), changed[0]?.since ?? now);
  const soakMs = placed.find(({ step }) => step.kind === "provisional")?.stage.gates.soakMs ?? durationMs(0);
  return { since, soakMs, question: { now, changed, controls, strata } };
}

function strataOf(host: string, site: string): EvidenceQuestion["strata"] {
  return waysOf(site).map(({ binding, hop }) => ({
    host,
    required: true,
    stratum: { site, binding, hop, source: "probe", indicator: "failure" },
  }));
}
