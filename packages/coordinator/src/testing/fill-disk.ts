import { instant } from "@sluice/core";
import { appendEvent } from "../store/event-log.ts";
import type { Store } from "../store/store.ts";

const ballast = { at: instant(1), kind: "test.ballast", by: "test", rollout: "none" };

/** Lets the log not grow by a single event, as on a disk without room: no page may be added, and what is free is used up. */
export function fillDisk(store: Store): void {
  store.get("PRAGMA max_page_count = 1");
  for (const bytes of [50_000, 2000, 100, 1]) {
    try {
      for (;;) store.transact((db) => appendEvent(db, { ...ballast, sentence: "x".repeat(bytes) }));
    } catch {
      // Full for events of this size; smaller ones may still fit.
    }
  }
}
