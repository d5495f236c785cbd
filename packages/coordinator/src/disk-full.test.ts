import { instant } from "@sluice/core";
import { expect, test } from "vitest";
import { appendEvent } from "./store/event-log.ts";
import type { Store } from "./store/store.ts";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";

const ballast = { at: instant(1), kind: "test.ballast", by: "test", rollout: "none" };

/** Lets the log not grow by a single event, as on a disk without room: no page may be added, and what is free is used up. */
function fillDisk(store: Store): void {
  store.get("PRAGMA max_page_count = 1");
  for (const bytes of [50_000, 2000, 100, 1]) {
    try {
      for (;;) store.transact((db) => appendEvent(db, { ...ballast, sentence: "x".repeat(bytes) }));
    } catch {
      // Full for events of this size; smaller ones may still fit.
    }
  }
}

test("on a full disk nothing is decided, the status says so, and everything goes on once there is room", async () => {
  let store: Store | undefined;
  await using rig = await startRig({
    afterCommit: (opened) => {
      store = opened;
    },
  });
  const { operator } = rig;
  await operator.apply(fleetText({ soakMs: 0 }));
  const at = rig.agent("at-1", { onGrant: () => ({ kind: "preparing", doing: "starting" }) });
  const id = await operator.deploy("shop", "1.0.0", "acceptance");
  await operator.untilPhase(id, "activating");
  if (store !== undefined) fillDisk(store);
  at.follow({});
  await eventually(async () => (await operator.status()).remarks).toMatchObject([
    expect.stringContaining("cannot write store"),
  ]);
  const stuck = await operator.rollout(id);
  expect(stuck.phase).not.toBe("completed");
  store?.get("PRAGMA max_page_count = 1000000");
  await operator.untilPhase(id, "completed");
  expect((await operator.status()).remarks).toEqual([]);
});
