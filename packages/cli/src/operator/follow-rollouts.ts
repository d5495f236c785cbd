import { setTimeout as delay } from "node:timers/promises";
import { type DurationMs, formatDuration, Problem } from "@sluice/core";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { type ExitName, worstExit } from "../exit-codes.ts";
import { type Progress, startProgress } from "../screen/progress.ts";
import { endingOf, gatesWords } from "../screen/rollout-words.ts";
import { say, sayJson, type World } from "../world.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";

export interface FollowOptions {
  readonly json: boolean;
  readonly timeoutMs?: DurationMs;
  /** The coordinator has just answered in this very verb, so an address that does not answer is no mistake of the operator. */
  readonly hasAnswered?: boolean;
  /** Ends the following early and well; without it a rollout is followed to its end. */
  readonly until?: (rollout: Rollout) => boolean;
}

/** A coordinator that restarts is back sooner; one that stays away longer needs a person. */
const silenceMaxMs = 60_000;

const retryEveryMs = 500;

type Ending =
  | { readonly kind: "exit"; readonly exit: ExitName }
  | { readonly kind: "interrupted" }
  | { readonly kind: "timed-out" };

/**
 * Shows rollouts until each has ended (or met `until`) and says how. A coordinator that goes away is waited for.
 * Ctrl-C and `timeoutMs` end the following only: the rollouts go on, and the last words say so.
 */
export async function followRollouts(
  world: World,
  client: CoordinatorClient,
  ids: readonly string[],
  options: FollowOptions,
): Promise<ExitName> {
  const stop = new AbortController();
  let stopped: Ending | undefined;
  const end = (ending: Ending): void => {
    stopped ??= ending;
    stop.abort();
  };
  using _interrupt = world.onInterrupt(() => end({ kind: "interrupted" }));
  const timer =
    options.timeoutMs === undefined ? undefined : setTimeout(() => end({ kind: "timed-out" }), options.timeoutMs);
  const latest = new Map<string, Rollout>();
  let endings: readonly Ending[];
  {
    using progress = startProgress(world, options.json, ids.length);
    try {
      endings = await Promise.all(
        ids.map((id) => followOne(client, id, { options, progress, signal: stop.signal, latest })),
      );
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  }
  return conclude(world, options, { ids, latest, endings: stopped === undefined ? endings : [stopped, ...endings] });
}

interface Following {
  readonly options: FollowOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly latest: Map<string, Rollout>;
}

async function followOne(client: CoordinatorClient, id: string, following: Following): Promise<Ending> {
  const { options, progress, signal, latest } = following;
  let silentSinceMs: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const rollout of client.watchRollout(id, signal)) {
        silentSinceMs = undefined;
        latest.set(id, rollout);
        progress.show(rollout);
        if (options.until?.(rollout) === true) return { kind: "exit", exit: "done" };
        const exit = endingOf(rollout);
        if (exit !== undefined) return { kind: "exit", exit };
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      // Never answered at all: the address is wrong, so nobody is helped by waiting.
      if (!latest.has(id) && silentSinceMs === undefined && options.hasAnswered !== true) throw error;
      if (silentSinceMs === undefined)
        progress.remark(`the coordinator at ${client.address} does not answer; trying again, the hosts go on`);
      silentSinceMs ??= performance.now();
      if (performance.now() - silentSinceMs > silenceMaxMs) throw error;
    }
    await delay(retryEveryMs, undefined, { signal }).catch(() => undefined);
  }
  return { kind: "interrupted" };
}

function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.category === "unavailable" || error.category === "timeout");
}

function conclude(
  world: World,
  options: FollowOptions,
  seen: {
    readonly ids: readonly string[];
    readonly latest: ReadonlyMap<string, Rollout>;
    readonly endings: readonly Ending[];
  },
): ExitName {
  const stopped = seen.endings.find((ending) => ending.kind !== "exit");
  const exit =
    stopped === undefined
      ? worstExit(seen.endings.flatMap((ending) => (ending.kind === "exit" ? [ending.exit] : [])))
      : "stillWaiting";
  if (stopped !== undefined) sayLeft(world, options, seen, stopped.kind === "timed-out");
  if (options.json) {
    const rollouts = seen.ids.map((id) => ({
      id,
      phase: seen.latest.get(id)?.phase,
      cause: seen.latest.get(id)?.cause?.sentence,
    }));
    sayJson(world, { kind: "result", exit, rollouts });
  }
  return exit;
}

function sayLeft(
  world: World,
  options: FollowOptions,
  seen: { readonly ids: readonly string[]; readonly latest: ReadonlyMap<string, Rollout> },
  timedOut: boolean,
): void {
  for (const id of seen.ids) {
    const rollout = seen.latest.get(id);
    if (rollout !== undefined && endingOf(rollout) !== undefined) continue;
    if (timedOut && options.timeoutMs !== undefined) {
      const gates = rollout === undefined ? "no word from the coordinator yet" : gatesWords(rollout);
      say(world, options.json, `${id}: still waiting after ${formatDuration(options.timeoutMs)} for ${gates}`);
    }
    say(world, options.json, `${id} goes on without this terminal; follow it again: sluice rollout watch ${id}`);
  }
}
