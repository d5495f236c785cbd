import type { DrainOrder, DrainState } from "../host/drain.ts";
import { after, durationMs, formatDuration, type Instant, minutes } from "../units/time.ts";
import type { RebootOrder } from "./reboot-order.ts";

/** A host's turn to reboot: held by whoever asked for it until the host is back, proven and healthy. */
export interface RebootLease {
  readonly host: string;
  /** What a reboot manager calls itself, and its group; of a rollout its id, and `rollout`. */
  readonly client: string;
  readonly group: string;
  readonly at: Instant;
  /** When it was told that it may reboot; absent while the host is being drained for it. */
  readonly grantedAt?: Instant;
  /** The host was drained for this reboot, so that it is undrained with it. */
  readonly drains: boolean;
  /** Of a rollout: what its host is told. Absent: a reboot manager holds the turn. */
  readonly order?: Pick<RebootOrder, "id"> & Partial<RebootOrder>;
  /** Of a rollout: since when the host is back. The turn blocks nobody any more. */
  readonly backAt?: Instant;
}

/** Somebody may still be away by it, or is about to be. */
export const isOut = ({ backAt }: RebootLease): boolean => backAt === undefined;

/** Why a reboot manager is told no; few words, because managers count by them. */
export type RebootRefusal =
  | "halted"
  | "frozen"
  | "window_closed"
  | "blind"
  | "too_many_failed"
  | "host_silent"
  | "rollout_busy"
  | "site_busy"
  | "draining"
  | "not_healthy";

export type RebootAnswer =
  | { readonly kind: "yes" }
  | { readonly kind: "no"; readonly refusal: RebootRefusal; readonly sentence: string };

/** How long a host may take from the grant until it is back, proven and healthy, before its reboot counts as failed. */
export const rebootReturnMs = minutes(15);
/** Failed reboots in the whole fleet from which on no other host is let go. */
export const failedRebootsMax = 1;

/** Hosts whose reboot has failed: let go, and not back in time. One that comes back after all is no failure any more. */
export const failedReboots = (leases: readonly RebootLease[], now: Instant): readonly string[] =>
  leases.filter((lease) => isOut(lease) && isLate(lease, now)).map(({ host }) => host);

/** It was let go, and its time to come back has passed. */
export const isLate = ({ grantedAt }: RebootLease, now: Instant): boolean =>
  grantedAt !== undefined && now >= after(grantedAt, rebootReturnMs);

/**
 * Hosts from which nobody expects a word: they were drained by somebody, or told that they may reboot. Of one that does not come back
 * from its reboot in time a word is expected again.
 */
export function awayOnPurpose(
  leases: readonly RebootLease[],
  drains: readonly Pick<DrainOrder, "host">[],
  now: Instant,
): ReadonlySet<string> {
  const rebooting = leases.filter((lease) => isOut(lease) && lease.grantedAt !== undefined && !isLate(lease, now));
  const drained = drains.filter(({ host }) => !leases.some((lease) => lease.host === host));
  return new Set([...rebooting, ...drained].map(({ host }) => host));
}

/** Everything that may stand in the way of a reboot; a sentence where something does. */
export interface RebootObstacles {
  readonly now: Instant;
  readonly host: string;
  readonly leases: readonly RebootLease[];
  /** The first that is given counts, in this order. */
  readonly sentences: Readonly<Partial<Record<Exclude<RebootRefusal, "too_many_failed" | "not_healthy">, string>>>;
}

const order = ["halted", "blind", "host_silent", "frozen", "window_closed", "rollout_busy", "site_busy"] as const;

/** Why the host may not begin to get ready for its reboot; undefined when it may. */
export function rebootObstacle({ now, host, leases, sentences }: RebootObstacles): RebootAnswer | undefined {
  const failed = failedReboots(leases, now).filter((one) => one !== host);
  if (failed.length >= failedRebootsMax) {
    const sentence = `${failed.join(", ")} did not come back proven and healthy within ${formatDuration(rebootReturnMs)} of rebooting: no other host is let go until that is put right`;
    return { kind: "no", refusal: "too_many_failed", sentence };
  }
  for (const refusal of order) {
    const sentence = sentences[refusal];
    if (sentence !== undefined) return { kind: "no", refusal, sentence };
  }
  return undefined;
}

/** A host that may go goes when it is drained. */
export const drainedEnough = (state: DrainState): RebootAnswer =>
  state.phase === "drained" ? { kind: "yes" } : { kind: "no", refusal: "draining", sentence: state.sentence };

export interface ReturnSeen {
  readonly now: Instant;
  readonly connected: boolean;
  /** Why it has not started anew yet, where that is asked for; absent: it has, or nobody asks. */
  readonly notRebooted?: string | undefined;
  /** Units whose proven release does not run, by the host's own word. */
  readonly notRunning: readonly string[];
  /** Ways in that did not answer well since the host is back, in words. */
  readonly unhealthy: readonly string[];
}

/** What a host lacks to be back from its reboot: it reports, runs what is proven, and every way in answers. */
export function missingToReturn({ host }: RebootLease, seen: ReturnSeen): readonly string[] {
  const { connected, notRebooted, notRunning, unhealthy } = seen;
  return [
    ...(connected ? [] : [`${host} does not report`]),
    ...(notRebooted === undefined ? [] : [notRebooted]),
    ...(notRunning.length === 0 ? [] : [`the proven release of ${notRunning.join(", ")} does not run`]),
    ...unhealthy,
  ];
}

/** Whether a host is back from its reboot; one that was never let go has nothing to come back from. */
export function judgeReturn(lease: RebootLease, seen: ReturnSeen): RebootAnswer {
  const { host, grantedAt } = lease;
  const why = grantedAt === undefined ? [] : missingToReturn(lease, seen);
  if (grantedAt === undefined || why.length === 0) return { kind: "yes" };
  const left = after(grantedAt, rebootReturnMs) - seen.now;
  const time = left > 0 ? `${formatDuration(durationMs(left))} left` : "it counts as failed";
  return { kind: "no", refusal: "not_healthy", sentence: `${host} is not back yet: ${why.join("; ")} (${time})` };
}
