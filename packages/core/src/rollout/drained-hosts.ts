import { overrideOf } from "../gates/overrides.ts";
import { drainWords } from "../host/drain.ts";
import type { PlanInput } from "./plan-input.ts";
import type { HostChange, Stage, Steps, WaitingOn, WaveAt } from "./rollout.ts";
import { nameHosts, siteIn, sitesTouched, stageAt, takingPart } from "./wave.ts";

/** A host that users are led away from, for whoever plans around it. */
export interface DrainedHost {
  readonly host: string;
  readonly by: string;
  readonly reason: string;
  /** Sites and environments (`site/environment`) that have one host less by it. */
  readonly sites: readonly string[];
}

/** Why this host gets no step while it is drained: whoever drained it is working on it. */
export function drainedItself({ drained = [] }: PlanInput, { host }: HostChange): WaitingOn | undefined {
  const order = drained.find((one) => one.host === host);
  return order === undefined ? undefined : { kind: "drained", sentence: drainWords(order), hosts: [host] };
}

/** The input as those see it who go forwards: a drained host is unavailable to its sites. What goes back is not held up by it. */
export function withDrained(input: PlanInput): PlanInput {
  const { drained = [], others } = input;
  if (drained.length === 0) return input;
  const unavailable: Record<string, readonly string[]> = { ...others.unavailable };
  for (const { host, sites } of drained) {
    for (const site of sites) unavailable[site] = [...(unavailable[site] ?? []), host];
  }
  return { ...input, others: { ...others, unavailable } };
}

/** Drained hosts that keep a wave from starting: those it would change, and those that leave it no room. */
export function drainedBefore(input: PlanInput, at: WaveAt, steps: Steps): readonly WaitingOn[] {
  const stage = stageAt(input.rollout, at);
  const isRoomIgnored = overrideOf(input.rollout, "capacity", at) !== undefined;
  return takingPart(input.rollout, at, steps).flatMap((change) => {
    const own = drainedItself(input, change);
    if (own !== undefined) return [own];
    const full = isRoomIgnored ? undefined : withoutRoom(input, stage, change);
    return full === undefined ? [] : [full];
  });
}

function withoutRoom({ drained = [], rollout }: PlanInput, stage: Stage, change: HostChange): WaitingOn | undefined {
  for (const site of sitesTouched(rollout, change.units)) {
    const key = siteIn(site, stage.environment);
    const hosts = drained.filter(({ sites }) => sites.includes(key)).map(({ host }) => host);
    if (hosts.length < stage.maxUnavailable) continue;
    const sentence = `${change.host} waits while ${nameHosts(hosts)} ${hosts.length === 1 ? "is" : "are"} drained (at most ${stage.maxUnavailable} of ${site} at a time)`;
    return { kind: "drained", sentence, hosts: [change.host] };
  }
  return undefined;
}
