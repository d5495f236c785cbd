import type { ActivationPhase, ActivationState, Instant, ObservedHost } from "@sluice/core";
import type { Ledger } from "../ledger/ledger.ts";

/**
 * Activations that start and probe processes at once. More of them would only be slower each, until all of a hundred miss the deadlines
 * of readiness paths and probes; a host is done with all of them no later.
 */
export const activationsAtOnceMax = 6;

/** From the first process that is started until users are on it and it is probed. */
const busyPhases: readonly ActivationPhase[] = [
  "starting",
  "awaiting-ready",
  "starting-successors",
  "probing-before",
  "switching",
  "probing-after",
];

export interface Candidate {
  readonly state: ActivationState;
  readonly ledger: Ledger;
  /** The newest look. */
  readonly seen: Pick<ObservedHost, "installed"> | undefined;
  /** False once the grant is taken back: it then ends instead of going on. */
  readonly isHeld: boolean;
  readonly now: Instant;
}

/** Lets so many activations at a time go on once their files are there; until then they have no process, and a deadline of half an hour. */
export class Admission {
  readonly #admitted = new Set<string>();

  /** Why this one has to wait; undefined when it may take a step. One that has begun always may: its deadlines count. */
  refusal({ state, ledger: { activations }, seen, isHeld, now }: Candidate): string | undefined {
    if (!isInstalled(state, seen) || !isHeld || now >= state.deadline || now >= state.grant.confirmBy) return undefined;
    for (const id of this.#admitted) if (!isUnderWay(activations[id])) this.#admitted.delete(id);
    for (const { grant, phase } of Object.values(activations))
      if (busyPhases.includes(phase)) this.#admitted.add(grant.id);
    if (!this.#admitted.has(state.grant.id) && this.#admitted.size >= activationsAtOnceMax) {
      return `waiting until one of ${this.#admitted.size} other activations on this host is done`;
    }
    this.#admitted.add(state.grant.id);
    return undefined;
  }
}

/** Whether all of its files are there and nothing of it was started. */
const isInstalled = (
  state: ActivationState,
  seen: Pick<ObservedHost, "installed"> | undefined,
): state is ActivationState & { readonly phase: "installing" } =>
  state.phase === "installing" && state.parts.every(({ release }) => seen?.installed.includes(release.digest) === true);

const isUnderWay = (state: ActivationState | undefined): boolean =>
  state !== undefined && (state.phase === "installing" || busyPhases.includes(state.phase));
