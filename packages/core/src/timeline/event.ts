import type { Instant } from "../units/time.ts";

/** Something to be told for ever: what was commanded, decided or seen, by whom and why. */
export interface NewEvent {
  readonly at: Instant;
  /** `area.what-happened` */
  readonly kind: string;
  readonly by: string;
  readonly sentence: string;
  readonly rollout?: string;
  readonly host?: string;
  /** Facts behind the sentence; `sites` names the sites that are concerned, where neither rollout nor host tells. */
  readonly details?: unknown;
}

/** An event as it is read back. */
export interface TimelineEvent extends NewEvent {
  /** Place in the log: without gaps, in the order in which things were decided. */
  readonly seq: number;
}

/** Entries that prove that nothing was done in secret, and that nobody reads to find out what happened. */
export const isRoutine = ({ kind }: Pick<NewEvent, "kind">): boolean =>
  kind === "intent.issued" || kind === "rollout.prolonged";
