import type { Instant, Rollout } from "@sluice/core";
import type { LateHost } from "@sluice/core/rollout/judge-late-host";
import { placedSteps, unitsOn } from "@sluice/core/rollout/wave";
import type { Place, Store } from "./store.ts";
import type { Subject } from "./subject.ts";

type Entry = Store["rollouts"][number];

export interface FollowingQuestion {
  readonly store: Store;
  readonly places: readonly Place[];
  readonly now: Instant;
  readonly judge: Subject["judgeLateHost"];
  readonly isConnected: (host: string) => boolean;
  /** By `host/unit`. */
  readonly proven: LateHost["proven"];
}

/** Rollouts for hosts that completed ones skipped and that are back, as the real coordinator starts them. */
export function findFollowing(question: FollowingQuestion): readonly Rollout[] {
  const { store } = question;
  return store.rollouts.flatMap((entry) => {
    if (entry.state.phase !== "completed") return [];
    const skipped = placedSteps(entry.rollout, entry.state.steps).filter(({ step }) => step.kind === "skipped");
    return skipped.flatMap(({ change }) => following(question, entry, change.host));
  });
}

function following(question: FollowingQuestion, entry: Entry, host: string): readonly Rollout[] {
  const { rollout, state } = entry;
  const { store, places, now, judge, isConnected, proven } = question;
  const units = unitsOn(rollout, host);
  const environment = places.find(({ name }) => name === host)?.environment;
  const peers = places.filter((place) => place.environment === environment).map(({ name }) => name);
  const touches = (other: Entry, hosts: readonly string[]): boolean =>
    hosts.some((one) => unitsOn(other.rollout, one).some((unit) => units.includes(unit)));
  const later = store.rollouts.slice(store.rollouts.indexOf(entry) + 1).find((other) => touches(other, [host]));
  const active = store.rollouts.find((other) => other.isEnded !== true && touches(other, peers));
  const decision = judge({
    ...{ rollout, state, host, isConnected: isConnected(host), isThere: true, proven, badReleases: store.bad },
    ...(later === undefined ? {} : { laterRollout: later.rollout.id }),
    ...(active === undefined ? {} : { activeRollout: active.rollout.id }),
  });
  if (decision.kind !== "follow") return [];
  const { stage, change } = decision;
  const changed = change.units.map((one) => ({ ...one, from: proven[`${host}/${one.unit}`] ?? one.from ?? one.to }));
  const waves = [[{ host, units: changed }]];
  const stages = [{ ...stage, gates: { ...stage.gates, approval: [] }, waves }];
  const title = `${rollout.title} on ${host}, which was away`;
  return [{ ...rollout, id: `${rollout.id}-${host}`, title, by: "coordinator", createdAt: now, stages, overrides: [] }];
}
