import type { PlanInput, RolloutAction } from "./plan-input.ts";
import type { Rollout, StepState, Steps } from "./rollout.ts";
import { nameHosts, type Placed, placedSteps } from "./wave.ts";

/** What the way back of a rollout is judged by. */
export type WayBackInput = Pick<PlanInput, "rollout" | "badReleases">;

/** Why nothing but a person's word takes back what is live, and where. */
export interface NoWayBack {
  readonly hosts: readonly string[];
  /** A clause: `it is one-way (…)`. */
  readonly why: string;
}

/** Users meet it, or may any moment; a step that failed was undone by its host. */
const isOrMayBeLive = ({ kind }: StepState): boolean =>
  kind === "activating" || kind === "provisional" || kind === "passed" || kind === "revert-failed";

/**
 * Why the coordinator does not take back by itself what is live or may be: the release is one-way, or what a host would go
 * back to has no good verdict in its environment. `undefined`: nothing is in the way.
 */
export function noWayBack({ rollout, badReleases = {} }: WayBackInput, steps: Steps): NoWayBack | undefined {
  const live = placedSteps(rollout, steps).filter(({ step }) => isOrMayBeLive(step));
  if (live.length === 0) return undefined;
  if (rollout.oneWay !== undefined) return { hosts: live.map(hostOf), why: `it is one-way (${rollout.oneWay})` };
  const toBad = live.flatMap((placed) => {
    const why = badBefore(placed, badReleases);
    return why === undefined ? [] : [{ host: hostOf(placed), why }];
  });
  const [first] = toBad;
  if (first === undefined) return undefined;
  const hosts = toBad.map(({ host }) => host);
  return { hosts, why: `what ran before on ${nameHosts(hosts)} has no good verdict there (${first.why})` };
}

const hostOf = ({ change }: Placed): string => change.host;

function badBefore({ stage, change }: Placed, bad: Readonly<Record<string, string>>): string | undefined {
  const changed = change.units.filter(({ from, to }) => from !== to);
  return changed.map(({ unit, from = "" }) => bad[releaseIn(stage.environment, unit, from)]).find(Boolean);
}

/** Key of a release of a unit in an environment in `badReleases`. */
export const releaseIn = (environment: string, unit: string, digest: string): string =>
  `${environment}/${unit}/${digest}`;

/** Why a rollout stays as it is after a halt, and what a person may do about it. */
export function noWayBackSentence({ id, title }: Rollout, { hosts, why }: NoWayBack): string {
  return [
    `${title} (rollout ${id}) is not taken back, because ${why}: ${nameHosts(hosts)} may run it`,
    `keep it and deploy a mended release: sluice rollout keep ${id} --reason …`,
    `or take it back all the same: sluice rollout revert ${id} --reason …`,
  ].join("; ");
}

/** What a verdict, or a person's word in its place, says of the releases of these hosts in their environments. */
export function recordVerdict(
  placed: readonly Pick<Placed, "stage" | "change">[],
  verdict: "good" | "bad",
  sentence: string,
): readonly RolloutAction[] {
  const environments = [...new Set(placed.map(({ stage }) => stage.environment))];
  return environments.map((environment): RolloutAction => {
    const changes = placed
      .filter(({ stage }) => stage.environment === environment)
      .flatMap(({ change }) => change.units);
    const units = changes.filter(({ from, to }) => from !== to).map(({ unit, to }) => ({ unit, digest: to }));
    const keys = new Set<string>();
    const once = units.filter(({ unit, digest }) => !keys.has(`${unit}/${digest}`) && keys.add(`${unit}/${digest}`));
    return { kind: "record-verdict", environment, verdict, units: once, sentence };
  });
}
