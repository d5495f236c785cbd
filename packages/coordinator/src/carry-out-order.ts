import type { Instant, NewEvent } from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { Leadership } from "./leadership.ts";
import { appendEvent } from "./store/event-log.ts";
import type { Db, Store } from "./store/store.ts";

/** What it takes to carry out somebody's order. */
export interface OrderGround {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly decided: () => void;
}

/** An operator's order and the events that tell of it, saved together or not at all. Throws when this coordinator does not lead. */
export function carryOutOrder(
  { store, clock, log, leadership, decided }: OrderGround,
  what: string,
  carryOut: (db: Db, at: Instant) => readonly NewEvent[],
): void {
  leadership.assertLeading(what);
  const events = store.transact((db) => {
    const told = carryOut(db, clock.now());
    for (const event of told) appendEvent(db, event);
    return told;
  });
  for (const { kind, sentence, rollout, host } of events) log.info({ rollout, host, sentence }, kind);
  decided();
}
