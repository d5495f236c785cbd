import { noFacts } from "@sluice/agent/activation/carry-out";
import { wordOn } from "@sluice/agent/activation/step-activation";
import { recordStep } from "@sluice/agent/reconcile/settle-ledger";
import {
  type ActivationFacts,
  type ActivationPlan,
  type ActivationState,
  instant,
  isSettled,
  sameJson,
} from "@sluice/core";
import type { AgentLife, Lane } from "./agent-life.ts";

const lookAgainMs = 1000;
/** Phases in which only others, or time, can help: the next beat is early enough. */
const waitingPhases: readonly ActivationState["phase"][] = ["provisional", "draining", "clearing"];

/** Takes activations forwards in one life of an agent: plan, save, carry out, as the real one does. */
export class SimActivations {
  /** Why each does not advance. */
  readonly waiting = new Map<string, readonly string[]>();
  /** Grows with every plan. */
  plans = 0;
  readonly #life: AgentLife;
  readonly #facts = new Map<string, ActivationFacts>();

  constructor(life: AgentLife) {
    this.#life = life;
  }

  step(id: string, lane: Lane): void {
    const { ports, isAlive } = this.#life;
    const host = this.#life.look();
    const state = ports.disk.ledger.activations[id];
    if (!isAlive || state === undefined || isSettled(state)) {
      this.#life.rest(id);
      return;
    }
    const facts = this.#facts.get(id) ?? noFacts;
    const plan = this.#plan(state, host, facts);
    if (!this.#life.isAlive) return;
    if (isSettled(plan.next)) this.#life.rest(id, 1);
    else if (plan.next.phase !== state.phase) {
      this.#facts.set(id, noFacts);
      this.#life.soon(id, () => this.step(id, lane));
    } else this.#carryOut(id, lane, plan, host, facts);
  }

  /** Saved before anything is carried out. */
  #plan(state: ActivationState, host: ReturnType<AgentLife["look"]>, facts: ActivationFacts): ActivationPlan {
    const { history, disk, now: clock } = this.#life.ports;
    const { ledger, intent } = disk;
    const now = clock();
    const unconfirmed = intent?.body.unconfirmed ?? "revert";
    const word = wordOn(ledger, intent, state);
    const { duties } = ledger;
    const plan = history.subject.planActivation({ now, state, word, unconfirmed, duties, host, facts });
    this.waiting.set(state.grant.id, plan.waitingOn);
    this.plans++;
    const turned = plan.next.phase !== state.phase;
    const isNew = turned || !sameJson(plan.next, state);
    if (isNew) this.#life.demandRoom();
    if (turned) this.#noteTurn(state, plan.next);
    if (isNew) this.#life.save(recordStep(ledger, plan.next, now));
    return plan;
  }

  #carryOut(
    id: string,
    lane: Lane,
    { next, actions }: ActivationPlan,
    host: ReturnType<AgentLife["look"]>,
    facts: ActivationFacts,
  ): void {
    this.#life.give(this.#life.site(host, lane, dueAt(next)), facts, actions, (known) => {
      this.#facts.set(id, known);
      const moved = actions.length > 0 && known.failures.length === facts.failures.length && !lane.isCalledOff;
      const waits = waitingPhases.includes(next.phase) && actions.length === 0;
      if (moved) this.#life.stepIn(id, () => this.step(id, lane));
      else if (waits) this.#life.rest(id);
      else this.#life.rest(id, lookAgainMs);
    });
  }

  #noteTurn(from: ActivationState, next: ActivationState): void {
    const { history, name } = this.#life.ports;
    history.trace.add(`${name}: ${next.grant.id} ${from.phase} -> ${next.phase}${reasonOf(next)}`);
    if (next.phase === "done") history.trace.count(`${next.grant.kind} done`);
    if (next.phase !== "ended") return;
    const { end } = next;
    history.trace.count(
      end.kind === "failed" ? `${end.failure}${end.touchedTraffic ? " after the switch" : ""}` : end.kind,
    );
  }
}

/** When orders that take long end by themselves. */
function dueAt(state: ActivationState): number {
  if (state.phase === "switching" || state.phase === "probing-after") return state.deadline;
  const isBefore = !("successors" in state) && "deadline" in state;
  return isBefore ? instant(Math.min(state.deadline, state.grant.confirmBy)) : Number.POSITIVE_INFINITY;
}

const reasonOf = (state: ActivationState): string =>
  "end" in state ? `: ${state.end.kind === "failed" ? state.end.reason : state.end.kind}` : "";
