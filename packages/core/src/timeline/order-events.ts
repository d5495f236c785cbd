import { type Freeze, freezeExtent, freezeWords } from "../gates/freeze.ts";
import type { HaltAll, Mute } from "../gates/gate.ts";
import type { Instant } from "../units/time.ts";
import type { NewEvent } from "./event.ts";

/** What operators order for the whole fleet, as the log tells it. */

export function freezeEvent(freeze: Freeze, by: string, at: Instant): NewEvent {
  const sentence = `${by} froze ${freezeExtent(freeze)} (${freezeWords(freeze.when)}) as '${freeze.name}': ${freeze.reason}`;
  return { at, kind: "freeze.added", by, sentence, details: freeze };
}

export function unfreezeEvent({ name, sites }: Freeze, by: string, reason: string, at: Instant): NewEvent {
  const sentence = `${by} removed freeze '${name}': ${reason}`;
  return { at, kind: "freeze.removed", by, sentence, details: { name, reason, sites } };
}

export function muteEvent(mute: Mute, at: Instant): NewEvent {
  const { by, name, owner, reason, sites } = mute;
  const extent = freezeExtent({ environments: [], sites });
  const sentence = `${by} muted the alerts of ${extent} as '${name}' (${owner}): ${reason}`;
  return { at, kind: "mute.added", by, sentence, details: mute };
}

export function unmuteEvent({ name, sites }: Mute, by: string, at: Instant): NewEvent {
  return { at, kind: "mute.removed", by, sentence: `${by} removed mute '${name}'`, details: { name, sites } };
}

/** `rollouts`: ids of those that it pauses. */
export function haltAllEvent({ by, reason, at }: HaltAll, rollouts: readonly string[]): NewEvent {
  return {
    at,
    kind: "fleet.halted",
    by,
    sentence: `${by} halted everything: ${reason}`,
    details: { reason, rollouts },
  };
}

/** `rollouts`: ids of those that go on. */
export function haltLiftedEvent(
  by: string,
  reason: string | undefined,
  rollouts: readonly string[],
  at: Instant,
): NewEvent {
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    at,
    kind: "fleet.halt-cleared",
    by,
    sentence: `${by} lifted the halt of everything${why}`,
    details: { reason, rollouts },
  };
}

/** A store that its agents have outlived; `seen` is what gave it away. */
export function refusesToLeadEvent(seen: string, host: string, details: object, at: Instant): NewEvent {
  const sentence = `refusing to lead: ${seen}; the store looks like an old backup`;
  return { at, kind: "coordinator.refuses-to-lead", by: "coordinator", sentence, host, details };
}

export const coordinatorStartedEvent = (fence: number, at: Instant): NewEvent => ({
  at,
  kind: "coordinator.started",
  by: "coordinator",
  sentence: `the coordinator has started with fence ${fence}`,
  details: { fence },
});

export const fenceAdoptedEvent = (fence: number, at: Instant): NewEvent => ({
  at,
  kind: "coordinator.fence-adopted",
  by: "operator",
  sentence: `leading again from fence ${fence}; what the lost history decided is not known here`,
  details: { fence },
});
