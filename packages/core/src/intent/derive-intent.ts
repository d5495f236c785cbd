import type { DriftPolicy } from "../host/drift.ts";
import { Problem } from "../problems/problem.ts";
import type { RebootOrder } from "../reboots/reboot-order.ts";
import type { HostChange, Rollout, RolloutState, StepState } from "../rollout/rollout.ts";
import { changesOn } from "../rollout/wave.ts";
import type { Grant, IntentBody, SiteDuties, UnitIntent, UnitKey, UnitRelease } from "./intent.ts";

export interface IntentInput {
  readonly host: string;
  readonly environment: string;
  readonly unconfirmed: IntentBody["unconfirmed"];
  readonly duties: readonly SiteDuties[];
  /** Digest the fleet wants in the end, by unit. */
  readonly desired: Readonly<Record<string, string>>;
  /** Digest that passed on this host, by unit. */
  readonly proven: Readonly<Record<string, string>>;
  /** Further digests to keep installed, by unit: the previous release, say. */
  readonly holds: Readonly<Record<string, readonly string[]>>;
  /** Every rollout that may still hold a grant here; ended ones do no harm. */
  readonly rollouts: readonly { readonly rollout: Rollout; readonly state: RolloutState }[];
  /** Users are to be led away from the host. */
  readonly draining?: boolean;
  /** The host has its turn to reboot. */
  readonly reboot?: RebootOrder | undefined;
  readonly drift?: DriftPolicy;
  /** By site, where the site has a word of its own. */
  readonly siteDrift?: Readonly<Record<string, DriftPolicy>>;
  readonly releaseOf: (digest: string) => UnitRelease | undefined;
}

/**
 * Everything a host is to know, derived anew each time from what is stored: same input, same text, whatever the order
 * of its parts. A step that is activating, provisional or reverting holds a grant; no other step does, so that
 * withdrawing a grant is leaving it out.
 *
 * Throws `release-unknown` when a release it has to name is not there: an intent that left it out would stop the unit.
 */
export function deriveIntentBody(input: IntentInput): IntentBody {
  const grants = grantsOf(input);
  const keys = new Set([
    ...Object.keys(input.desired),
    ...Object.keys(input.proven),
    ...Object.keys(input.holds),
    ...grants.flatMap(({ units }) => units.map(({ unit }) => unit)),
  ]);
  return {
    environment: input.environment,
    unconfirmed: input.unconfirmed,
    sites: [...input.duties].sort((a, b) => compare(a.site, b.site)),
    units: [...keys].sort(compare).map((unit) => unitIntent(input, unit as UnitKey, grants)),
    grants,
    ...(input.draining === true ? { draining: true } : {}),
    ...(input.reboot === undefined ? {} : { reboot: input.reboot }),
    ...(input.drift === "report" ? { drift: input.drift } : {}),
    ...siteDriftOf(input),
  };
}

function siteDriftOf({ drift = "heal", siteDrift = {} }: IntentInput): Pick<IntentBody, "siteDrift"> {
  const other = Object.entries(siteDrift).filter(([, policy]) => policy !== drift);
  return other.length === 0 ? {} : { siteDrift: Object.fromEntries(other) };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function unitIntent(input: IntentInput, unit: UnitKey, grants: readonly Grant[]): UnitIntent {
  const desired = input.desired[unit];
  const proven = input.proven[unit];
  const granted = grants.flatMap(({ units }) => units.filter((one) => one.unit === unit).map(({ digest }) => digest));
  const wanted = [desired, proven, ...granted, ...(input.holds[unit] ?? [])].filter((digest) => digest !== undefined);
  return {
    unit,
    ...(desired === undefined ? {} : { desired }),
    ...(proven === undefined ? {} : { proven: known(input, unit, proven) }),
    hold: [...new Set(wanted)].sort(compare).map((digest) => known(input, unit, digest)),
  };
}

function known({ host, releaseOf }: IntentInput, unit: UnitKey, digest: string): UnitRelease {
  const release = releaseOf(digest);
  if (release !== undefined) return release;
  throw new Problem("release-unknown", `cannot derive the intent of host '${host}': no release ${digest} of ${unit}`);
}

function grantsOf(input: IntentInput): readonly Grant[] {
  const grants: Grant[] = [];
  for (const { rollout, state } of input.rollouts) {
    if (rollout.kind === "reboot") continue;
    const step = state.steps[input.host];
    for (const change of step === undefined ? [] : changesOn(rollout, input.host)) {
      const grant = step === undefined ? undefined : grantOfStep(rollout, change, step);
      if (grant !== undefined) grants.push(grant);
    }
  }
  return grants.sort((a, b) => compare(a.id, b.id));
}

function grantOfStep(rollout: Rollout, change: HostChange, step: StepState): Grant | undefined {
  if (step.kind !== "activating" && step.kind !== "provisional" && step.kind !== "reverting") return undefined;
  const back = step.kind === "reverting";
  const units = change.units.flatMap(({ unit, from, to }) => {
    const digest = back ? from : to;
    return digest === undefined ? [] : [{ unit, digest }];
  });
  return {
    id: step.grant,
    rollout: rollout.id,
    step: change.host,
    units,
    kind: back || rollout.kind === "revert" ? "revert" : rollout.kind === "restart" ? "restart" : "activate",
    confirmBy: step.confirmBy,
    probesBefore: probesBefore(rollout),
    ...(back || rollout.oneWay === undefined ? {} : { oneWay: rollout.oneWay }),
  };
}

function probesBefore({ overrides }: Rollout): Grant["probesBefore"] {
  const override = overrides.find(({ check }) => check === "probes-before");
  return override === undefined ? { kind: "required" } : { kind: "skipped", by: override.by, reason: override.reason };
}
