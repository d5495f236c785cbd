import { expect, test } from "vitest";
import type { Store } from "./store/store.ts";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";
import { fillDisk } from "./testing/fill-disk.ts";

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
