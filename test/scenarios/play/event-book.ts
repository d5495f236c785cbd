import {
  canonicalJson,
  gateEvents,
  type HostObservation,
  type Instant,
  type NewEvent,
  observationEvents,
  type Plan,
  type PlanInput,
  rolloutEvents,
  sightEvents,
  silenceEvents,
  type TimelineEvent,
  type ToldGates,
  type ToldHost,
} from "@sluice/core";

/** The event log of a scenario's coordinator, told by the same functions as that of a real one; part of its store. */
export class EventBook {
  readonly events: TimelineEvent[] = [];
  readonly #gates = new Map<string, ToldGates>();
  readonly #hosts = new Map<string, ToldHost>();
  #isBlind = false;

  /** As a backup keeps it. */
  copy(): EventBook {
    const copy = new EventBook();
    copy.events.push(...this.events);
    for (const [id, told] of this.#gates) copy.#gates.set(id, told);
    for (const [host, told] of this.#hosts) copy.#hosts.set(host, told);
    copy.#isBlind = this.#isBlind;
    return copy;
  }

  add(...events: readonly NewEvent[]): void {
    for (const event of events) {
      const details: unknown = JSON.parse(canonicalJson(event.details ?? {}));
      this.events.push({ ...event, seq: this.events.length + 1, details });
    }
  }

  /** One decision about a rollout. */
  planned(input: PlanInput, plan: Plan): void {
    const { rollout, state, now } = input;
    if (state.phase === "waiting-for-gates") {
      const { events, told } = gateEvents(rollout, state.at, plan.gates ?? [], this.#gates.get(rollout.id), now);
      this.add(...events);
      if (told !== undefined) this.#gates.set(rollout.id, told);
    }
    if (plan.actions.length > 0 || canonicalJson(plan.next) !== canonicalJson(state))
      this.add(...rolloutEvents(input, plan));
  }

  heard(observation: HostObservation, now: Instant): void {
    const { events, told } = observationEvents(observation, this.#hosts.get(observation.host), now);
    this.add(...events);
    this.#hosts.set(observation.host, told);
  }

  /** Who is silent now, of all hosts. */
  sight(silent: readonly string[], hosts: readonly string[], now: Instant): void {
    for (const host of hosts) {
      const found = silenceEvents(host, silent.includes(host), this.#hosts.get(host), now);
      if (found === undefined) continue;
      this.add(...found.events);
      this.#hosts.set(host, found.told);
    }
    const { events, blind } = sightEvents({ hosts: hosts.length, silent: silent.length }, this.#isBlind, now);
    this.add(...events);
    this.#isBlind = blind;
  }
}
