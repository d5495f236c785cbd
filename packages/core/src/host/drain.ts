import {
  after,
  type DurationMs,
  durationMs,
  formatDuration,
  type Instant,
  instant,
  minutes,
  seconds,
} from "../units/time.ts";

/** Somebody's order to lead users away from a host; holds until it is taken back. */
export interface DrainOrder {
  readonly host: string;
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
  /** For how long the edge may go on sending requests before its own checks have told it. */
  readonly noticeMs: DurationMs;
  /** After this long the host counts as drained, whoever is left. */
  readonly limitMs: DurationMs;
}

/** Three checks of an edge that asks every five seconds. */
export const drainNoticeMs = seconds(15);
/** Long enough for uploads and for most websockets to end by themselves. */
export const drainLimitMs = minutes(5);

export interface DrainSeen {
  readonly now: Instant;
  readonly connected: boolean;
  /** Since when the host says that its proxies tell the edge; absent: it does not say so. */
  readonly obeyedSince?: Instant | undefined;
  /** Requests and upgraded connections under way by its newest word. */
  readonly open?: number | undefined;
}

export type DrainState =
  /** The host has not said that it obeys, or was not heard of since. */
  | { readonly phase: "ordered"; readonly sentence: string }
  /** The edge is told; requests may still come or be under way. */
  | { readonly phase: "emptying"; readonly sentence: string; readonly until: Instant }
  /** No user is left, or the limit has passed. */
  | { readonly phase: "drained"; readonly sentence: string };

/**
 * How far a drain has come. Only the host's own word counts: a silent host is never drained, because nobody knows whom
 * it serves. The notice runs from the moment at which the edge is told by this order, the limit from the order: an earlier
 * drain may have been taken back in between, and the host's newest word still be about that.
 */
export function judgeDrain({ host, at, noticeMs, limitMs }: DrainOrder, seen: DrainSeen): DrainState {
  const { now, connected, obeyedSince, open = 0 } = seen;
  if (!connected) return { phase: "ordered", sentence: `waiting for ${host} to report` };
  if (obeyedSince === undefined) {
    return { phase: "ordered", sentence: `waiting for the proxies of ${host} to tell the edge` };
  }
  const noticed = after(instant(Math.max(obeyedSince, at)), noticeMs);
  const limit = after(at, limitMs);
  if (now < noticed) {
    const left = formatDuration(durationMs(noticed - now));
    return {
      phase: "emptying",
      sentence: `the edge has ${left} left to notice that ${host} is drained`,
      until: noticed,
    };
  }
  if (open === 0) return { phase: "drained", sentence: `${host} is drained` };
  if (now < limit) {
    const left = formatDuration(durationMs(limit - now));
    const sentence = `${openWords(open)} left on ${host}; it counts as drained in ${left} whoever is left`;
    return { phase: "emptying", sentence, until: limit };
  }
  const sentence = `${host} is drained: ${openWords(open)} left when the limit of ${formatDuration(limitMs)} passed`;
  return { phase: "drained", sentence };
}

const openWords = (open: number): string => (open === 1 ? "1 request is" : `${open} requests are`);

/** Who drained it and why, and how it ends. */
export const drainWords = ({ host, by, reason }: Pick<DrainOrder, "host" | "by" | "reason">): string =>
  `${host} is drained by ${by}: ${reason}; let users come again: sluice host undrain ${host}`;
