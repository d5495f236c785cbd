import { mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { instant } from "@sluice/core";
import { expect, test } from "vitest";
import { appendEvent, firstBrokenEvent, newestSeq, readEvents } from "./event-log.ts";
import { type Db, openStore } from "./store.ts";

const folder = () => mkdtempDisposable(join(tmpdir(), "sluice-store-"));

const say = (db: Db, sentence: string) =>
  appendEvent(db, { at: instant(1), kind: "test.said", by: "ada", sentence, details: { b: 1, a: [2] } });

test("events are numbered from one, chained, and read in pages", async () => {
  await using dir = await folder();
  using store = openStore({ dataDir: dir.path });
  for (const word of ["one", "two", "three"]) store.transact((db) => say(db, word));
  expect(readEvents(store, 1, 1)).toMatchObject([{ seq: 2, sentence: "two", details: '{"a":[2],"b":1}' }]);
  expect(newestSeq(store)).toBe(3);
  expect(firstBrokenEvent(store)).toBeUndefined();
});

test("an event changed behind the program's back breaks the chain at its number", async () => {
  await using dir = await folder();
  {
    using store = openStore({ dataDir: dir.path });
    for (const word of ["one", "two", "three"]) store.transact((db) => say(db, word));
  }
  using raw = new DatabaseSync(join(dir.path, "coordinator.db"));
  raw.exec("UPDATE events SET sentence = 'nothing happened' WHERE seq = 2");
  raw.close();
  using store = openStore({ dataDir: dir.path });
  expect(firstBrokenEvent(store)).toBe(2);
});

test("a decision that throws half-way leaves nothing behind", async () => {
  await using dir = await folder();
  using store = openStore({ dataDir: dir.path });
  const half = () =>
    store.transact((db) => {
      say(db, "half");
      throw new Error("no");
    });
  expect(half).toThrow("no");
  expect(newestSeq(store)).toBe(0);
});

test("a second coordinator on the same folder is refused, and let in once the first has gone", async () => {
  await using dir = await folder();
  const first = openStore({ dataDir: dir.path });
  expect(() => openStore({ dataDir: dir.path })).toThrow("another coordinator is running on it");
  first[Symbol.dispose]();
  using second = openStore({ dataDir: dir.path });
  expect(newestSeq(second)).toBe(0);
});

test("only the owner may read the store", async () => {
  await using dir = await folder();
  using store = openStore({ dataDir: dir.path });
  expect((await stat(store.path)).mode & 0o777).toBe(0o600);
});

test("a store of a newer version is left alone", async () => {
  await using dir = await folder();
  openStore({ dataDir: dir.path })[Symbol.dispose]();
  {
    using raw = new DatabaseSync(join(dir.path, "coordinator.db"));
    raw.exec("PRAGMA user_version = 999");
  }
  expect(() => openStore({ dataDir: dir.path })).toThrow("its schema is version 999");
});

test("a full disk is a problem of its own, and saves nothing by halves", async () => {
  await using dir = await folder();
  using store = openStore({ dataDir: dir.path });
  store.get("PRAGMA max_page_count = 1");
  const fill = () =>
    store.transact((db) => {
      say(db, "small");
      say(db, "x".repeat(500_000));
    });
  expect(fill).toThrow(expect.objectContaining({ reason: "disk-full" }));
  expect(newestSeq(store)).toBe(0);
  store.get("PRAGMA max_page_count = 1000000");
  fill();
  expect(newestSeq(store)).toBe(2);
});
