import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTests } from "@sluice/core";
import { expect, test } from "vitest";
import { readHealthState, writeHealthState } from "./health-states.ts";
import { openStore } from "./store.ts";

const tests = startTests({ settings: {}, hosts: [] });

test("tests are read as they were saved, and those in the format of another version are none, so that they are begun anew", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-store-"));
  using store = openStore({ dataDir: dir.path });
  expect(readHealthState(store, "r-1")).toBeUndefined();
  store.transact((db) => writeHealthState(db, "r-1", tests));
  expect(readHealthState(store, "r-1")).toEqual(tests);
  for (const other of [tests, { format: 1, tests }, { format: 3, tests }]) {
    store.transact((db) => db.run("UPDATE health_states SET state = ?", JSON.stringify(other)));
    expect(readHealthState(store, "r-1")).toBeUndefined();
  }
});
