import { setImmediate } from "node:timers/promises";
import {
  canonicalJson,
  durationMs,
  type GateState,
  type GateTidings,
  gateEvents,
  type Instant,
  othersOf,
  type Plan,
  type PlanInput,
  Problem,
  planRollout,
  type RolloutState,
  type Verdict,
  type WaitingOn,
} from "@sluice/core";
import type { Clock, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { Bell } from "../bell.ts";
import type { HealthDesk } from "../evidence/health-desk.ts";
import type { Leadership } from "../leadership.ts";
import type { TurnDesk } from "../reboots/turn-desk.ts";
import { readBadReleases } from "../store/bad-releases.ts";
import { readActiveRollouts, type StoredRollout } from "../store/rollouts.ts";
import type { Store } from "../store/store.ts";
import { readToldGates } from "../store/told.ts";
import { saveGates, saveStep } from "./save-step.ts";

export interface RunnerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly heartbeatMs: number;
  /** Rung after every change that somebody may watch. */
  readonly changed: Bell;
  readonly hosts: () => Pick<PlanInput, "hosts" | "fleet" | "proven">;
  readonly drained: () => NonNullable<PlanInput["drained"]>;
  readonly gates: (stored: StoredRollout) => PlanInput["gates"];
  /** What was counted on the hosts that rollouts change. */
  readonly tests: HealthDesk;
  /** Puts into the log what hosts have done by themselves since the last time. */
  readonly watchHosts: () => void;
  /** Turns of hosts to reboot. */
  readonly turns: Pick<TurnDesk, "advance" | "turnsOf">;
  /** Derives, saves and sends the intents that the newest state asks for. */
  readonly issueIntents: () => void;
  /** Told when deciding stops (a sentence) and goes on (undefined). */
  readonly onBlocked: (sentence: string | undefined) => void;
}

/** A plan moves at most one phase at a time; a wave cannot need more turns than this before it waits for the world. */
const turnsMax = 64;

/** How soon a store that could not be written is tried again. */
const retryAfterMs = durationMs(1000);

/** Heartbeats after a start in which nothing is decided about rollouts that were under way (design §7). */
const quietHeartbeats = 2;

/** Moves all rollouts: observe → plan → save → act, again whenever something was seen or a deadline has come. */
export class RolloutRunner implements Running {
  readonly done: Promise<void>;
  readonly #options: RunnerOptions;
  readonly #stop = new AbortController();
  readonly #awake: Bell;
  readonly #waitingOn = new Map<string, readonly WaitingOn[]>();
  readonly #gates = new Map<string, readonly GateState[]>();
  readonly #underWayAtStart: ReadonlySet<string>;
  readonly #quietUntil: number;
  #blocked: string | undefined;

  constructor(options: RunnerOptions, awake: Bell) {
    this.#options = options;
    this.#awake = awake;
    this.#underWayAtStart = new Set(readActiveRollouts(options.store).map(({ rollout }) => rollout.id));
    this.#quietUntil = options.clock.monotonic() + quietHeartbeats * options.heartbeatMs;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  /** Why a rollout does not move, as of its newest plan. */
  waitingOn(id: string): readonly WaitingOn[] {
    return this.#waitingOn.get(id) ?? [];
  }

  /** The verdict on a rollout as of now. */
  verdictOn(stored: StoredRollout): Verdict {
    return this.#options.tests.verdictOn(stored);
  }

  /** The gates before its next wave, as of its newest plan; empty while no wave is next. */
  gates(id: string): readonly GateState[] {
    return this.#gates.get(id) ?? [];
  }

  /** Why nothing at all is decided; undefined in good order. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** Everything the next decision about a rollout looks at. */
  inputFor(stored: StoredRollout): PlanInput {
    const { clock, hosts, gates, drained, store, turns } = this.#options;
    const seen = hosts();
    return {
      now: clock.now(),
      rollout: stored.rollout,
      state: stored.state,
      verdict: this.verdictOn(stored),
      gates: gates(stored),
      drained: drained(),
      reboots: turns.turnsOf(stored),
      badReleases: readBadReleases(store),
      others: othersOf(stored.rollout.id, readActiveRollouts(store), seen.hosts),
      ...seen,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
    await this.#options.tests[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // Callers get their turn between two turns of ours, however often we are woken.
      await setImmediate();
      const heard = this.#awake.rings;
      const nextMs = this.#turn();
      await this.#sleep(nextMs, heard);
    }
  }

  /** Plans until nothing moves; answers how long the world may be left alone. */
  #turn(): number {
    try {
      if (this.#options.leadership.refusal === undefined) {
        this.#options.watchHosts();
        this.#settle();
      }
      this.#unblock();
      return this.#untilDeadline();
    } catch (error) {
      if (!(error instanceof Problem) || error.reason !== "disk-full") throw error;
      this.#block(error);
      return retryAfterMs;
    }
  }

  #settle(): void {
    this.#options.issueIntents();
    for (let turn = 0; turn < turnsMax; turn += 1) {
      const hasTurned = this.#options.turns.advance();
      const moved = readActiveRollouts(this.#options.store).filter((stored) => this.#advance(stored)).length;
      if (moved === 0 && !hasTurned) return;
      this.#options.issueIntents();
    }
    // Still moving: the rest comes with the next turn, so that callers get their turn in between.
    this.#awake.ring();
  }

  /** One plan of one rollout; true when it changed something. */
  #advance(stored: StoredRollout): boolean {
    const { rollout, state } = stored;
    if (this.#isQuietFor(rollout.id)) {
      this.#tell(rollout.id, [quietAfterStart]);
      return false;
    }
    const { store, log, changed, tests } = this.#options;
    tests.advance(stored);
    const input = this.inputFor(stored);
    const plan = planRollout(input);
    this.#tell(rollout.id, plan.waitingOn, plan.next.phase === "waiting-for-gates" ? plan.gates : []);
    const gates = gateTidings(store, input, plan);
    if (plan.actions.length === 0 && isSame(plan.next, state) && !isOver(plan)) {
      if (gates.events.length > 0) saveGates({ store, log }, rollout.id, gates);
      return false;
    }
    saveStep({ store, log }, { stored, input, plan, gates, over: isOver(plan) });
    if (isOver(plan)) this.#forget(rollout.id);
    changed.ring();
    return true;
  }

  #isQuietFor(id: string): boolean {
    return this.#underWayAtStart.has(id) && this.#options.clock.monotonic() < this.#quietUntil;
  }

  #tell(id: string, waitingOn: readonly WaitingOn[], gates: readonly GateState[] = []): void {
    const before = [this.waitingOn(id), this.gates(id)];
    this.#waitingOn.set(id, waitingOn);
    this.#gates.set(id, gates);
    if (canonicalJson(before) !== canonicalJson([waitingOn, gates])) this.#options.changed.ring();
  }

  #forget(id: string): void {
    this.#options.tests.forget(id);
    this.#waitingOn.delete(id);
    this.#gates.delete(id);
  }

  #untilDeadline(): number {
    const { clock, heartbeatMs, store } = this.#options;
    const active = readActiveRollouts(store);
    const due = active.flatMap(({ rollout, state }) => [...deadlinesOf(state), ...untilOf(this.waitingOn(rollout.id))]);
    const nearest = Math.min(...due.map((at) => at - clock.now()).filter((ms) => ms > 0), heartbeatMs);
    return Math.max(1, nearest);
  }

  #block(error: Problem): void {
    if (this.#blocked === undefined)
      this.#options.log.error({ err: error, hint: error.hint }, "coordinator.cannot-save");
    this.#blocked = error.message;
    this.#options.onBlocked(error.message);
  }

  #unblock(): void {
    if (this.#blocked === undefined) return;
    this.#blocked = undefined;
    this.#options.log.info("coordinator.saves-again");
    this.#options.onBlocked(undefined);
  }

  async #sleep(ms: number, heard: number): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop.signal]);
    const due = this.#options.clock.sleep(durationMs(ms), signal).catch(() => undefined);
    await Promise.race([due, this.#awake.wait(heard, signal)]);
    over.abort();
  }
}

const quietAfterStart: WaitingOn = {
  kind: "host",
  sentence: "waiting for the agents to report after the coordinator's start",
  hosts: [],
};

/** What is new about the gates of the wave that is next, if one is. */
function gateTidings(store: Store, { rollout, state, now }: PlanInput, { gates }: Plan): GateTidings {
  if (state.phase !== "waiting-for-gates") return { events: [], told: undefined };
  return gateEvents(rollout, state.at, gates ?? [], readToldGates(store, rollout.id), now);
}

const isSame = (a: RolloutState, b: RolloutState): boolean => canonicalJson(a) === canonicalJson(b);

/** A rollout has ended when its phase is final and no host still has to give something back. */
function isOver({ next, waitingOn }: Plan): boolean {
  return (
    next.phase === "completed" || next.phase === "reverted" || (next.phase === "aborted" && waitingOn.length === 0)
  );
}

function deadlinesOf(state: RolloutState): readonly Instant[] {
  const soak = state.phase === "observing" ? [state.soakUntil] : [];
  return "deadline" in state ? [state.deadline, ...soak] : soak;
}

const untilOf = (waitingOn: readonly WaitingOn[]): readonly Instant[] =>
  waitingOn.flatMap(({ until }) => (until === undefined ? [] : [until]));
