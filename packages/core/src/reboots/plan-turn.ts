import type { DrainState } from "../host/drain.ts";
import { after, between, type DurationMs, type Instant } from "../units/time.ts";
import {
  drainedEnough,
  isOut,
  judgeReturn,
  missingToReturn,
  type RebootAnswer,
  type RebootLease,
  type ReturnSeen,
  rebootReturnMs,
} from "./judge-reboot.ts";
import type { BootSeen } from "./reboot-order.ts";

/** A rollout's wish that a host reboots. */
export interface TurnWanted {
  readonly rollout: string;
  readonly host: string;
  /** Names the turn and the order to the host. */
  readonly order: string;
  /** False while the rollout is held: what has begun goes on, nothing new begins. */
  readonly mayGo: boolean;
}

/** Everything that decides about a host's turn in a rollout. */
export interface TurnInput {
  readonly now: Instant;
  /** Absent: no rollout wants a turn of this host (any more). */
  readonly wanted?: TurnWanted | undefined;
  /** Whoever holds the host's turn. */
  readonly lease?: RebootLease | undefined;
  /** What keeps the host from getting ready, and from being let go. */
  readonly obstacle?: RebootAnswer | undefined;
  readonly drain?: DrainState | undefined;
  readonly boot?: BootSeen | undefined;
  /** The host obeys the newest intent: what it does not say it has begun, it never will. */
  readonly upToDate: boolean;
  readonly returned: Omit<ReturnSeen, "notRebooted">;
}

/** What is done next about a turn, by whoever keeps the leases. */
export type TurnAct =
  /** Write the lease, and drain the host if nobody has. */
  | { readonly kind: "begin"; readonly wanted: TurnWanted }
  /** Note that it may go, and tell it to. */
  | { readonly kind: "let-go"; readonly bootId: string }
  /** Note that it is back, and undrain it if it was drained for this. */
  | { readonly kind: "back" }
  /** Remove the lease, and undrain the host if it was drained for this and is not back. */
  | { readonly kind: "end"; readonly why: string };

/** The next act about one host's turn; undefined while there is nothing to do but wait. Leases of reboot managers are theirs. */
export function planTurn(input: TurnInput): TurnAct | undefined {
  const { wanted, lease, obstacle } = input;
  if (lease === undefined) {
    return wanted?.mayGo === true && obstacle === undefined ? { kind: "begin", wanted } : undefined;
  }
  if (lease.order === undefined) return undefined;
  const isWanted = wanted?.order === lease.order.id;
  if (!isOut(lease)) return isWanted ? undefined : { kind: "end", why: "has had its turn" };
  if (lease.grantedAt !== undefined) return planAway(input, lease, isWanted);
  if (!isWanted) return { kind: "end", why: "gives its turn back unused" };
  const { drain, boot } = input;
  const isReady = drain !== undefined && drainedEnough(drain).kind === "yes";
  if (wanted?.mayGo !== true || obstacle !== undefined || !isReady || boot === undefined) return undefined;
  return { kind: "let-go", bootId: boot.id };
}

function planAway(input: TurnInput, lease: RebootLease, isWanted: boolean): TurnAct | undefined {
  const { boot, upToDate } = input;
  const hasBegun = boot?.order !== undefined && boot.order.id === lease.order?.id;
  const isSameBoot = boot === undefined || boot.id === lease.order?.bootId;
  if (!isWanted && isSameBoot && refusalOf(input, lease) !== undefined) {
    return { kind: "end", why: "did not reboot" };
  }
  if (!isWanted && isSameBoot && upToDate && !hasBegun) return { kind: "end", why: "never began to reboot" };
  return judgeReturn(lease, returnSeen(input, lease)).kind === "yes" ? { kind: "back" } : undefined;
}

/** How a host's turn looks to the rollout that wants it. */
export type RebootTurn =
  /** It has not been let go; why. */
  | { readonly kind: "waiting"; readonly sentence: string }
  /** It was let go, and has until then to come back; what it lacks, in words. */
  | { readonly kind: "away"; readonly missing: readonly string[]; readonly until: Instant }
  /** It says that it will not reboot. */
  | { readonly kind: "refused"; readonly sentence: string }
  /** It has rebooted, is healthy, and users come to it again. */
  | { readonly kind: "back"; readonly awayMs: DurationMs };

export function describeTurn(input: TurnInput): RebootTurn {
  const { lease, wanted, drain, obstacle } = input;
  const host = wanted?.host ?? lease?.host ?? "the host";
  if (lease?.order === undefined || lease.order.id !== wanted?.order) {
    return { kind: "waiting", sentence: sentenceOf(obstacle) ?? `${host} is about to be drained` };
  }
  const { grantedAt, backAt } = lease;
  if (grantedAt === undefined) {
    const drained = drain === undefined ? undefined : sentenceOf(drainedEnough(drain));
    const unknown = input.boot === undefined ? `${host} does not say by which boot it runs` : undefined;
    const ready = `${host} is about to be told to reboot`;
    return { kind: "waiting", sentence: sentenceOf(obstacle) ?? drained ?? unknown ?? ready };
  }
  if (backAt !== undefined) return { kind: "back", awayMs: between(grantedAt, backAt) };
  const refusal = refusalOf(input, lease);
  if (refusal !== undefined) return { kind: "refused", sentence: refusal };
  const missing = missingToReturn(lease, returnSeen(input, lease));
  return { kind: "away", missing, until: after(grantedAt, rebootReturnMs) };
}

const sentenceOf = (answer: RebootAnswer | undefined): string | undefined =>
  answer?.kind === "no" ? answer.sentence : undefined;

/** The host's own word that this order did not make it reboot. A host that runs by another boot has rebooted all the same. */
function refusalOf({ boot }: TurnInput, { order }: RebootLease): string | undefined {
  const isOfThis = boot?.order?.id === order?.id && boot?.id === order?.bootId;
  return isOfThis && boot?.order?.state === "failed" ? boot.order.sentence : undefined;
}

/** Only another boot counts: a host that runs on has not rebooted, however well it answers. */
function returnSeen({ boot, returned }: TurnInput, { host, order }: RebootLease): ReturnSeen {
  if (!returned.connected) return returned;
  if (boot === undefined) return { ...returned, notRebooted: `${host} does not say by which boot it runs` };
  if (boot.id !== order?.bootId) return returned;
  const word = boot.order?.id === order.id ? boot.order.sentence : "its agent has not begun yet";
  return { ...returned, notRebooted: `${host} has not rebooted: ${word}` };
}
