import { at, broken, live, type World } from "../rollout/rollout-builders.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import type { NewEvent, TimelineEvent } from "./event.ts";
import { rolloutEvents, startEvents } from "./rollout-events.ts";

/** Events as a log holds them: numbered, with details as they are read back. */
export const logged = (events: readonly NewEvent[]): readonly TimelineEvent[] =>
  events.map((event, index) => ({ ...event, seq: index + 1, details: JSON.parse(canonicalJson(event.details ?? {})) }));

/** Plans until the rollout rests, and tells every decision. */
export function tellUntilRest(world: World): readonly NewEvent[] {
  const events: NewEvent[] = [];
  for (let rounds = 0; rounds < 50; rounds++) {
    const before = world.input;
    const plan = world.plan();
    if (canonicalJson(plan.next) === canonicalJson(before.state)) return events;
    events.push(...rolloutEvents(before, plan));
  }
  throw new Error("a rollout that is planned again and again has to come to rest");
}

/** The canary goes live, passes, and a host of the second wave fails; everything goes back. */
export function haltedHistory(world: World): readonly NewEvent[] {
  const events: NewEvent[] = [...startEvents(world.input.rollout, at(0)), ...tellUntilRest(world)];
  const then = (ms: number, say: () => void): void => {
    world.pass(ms);
    say();
    events.push(...tellUntilRest(world));
  };
  then(2000, () => world.says("web-1", live));
  then(31_000, () => undefined);
  then(2000, () => world.says("web-2", broken));
  then(1000, () => world.says("web-1", live));
  return events;
}
