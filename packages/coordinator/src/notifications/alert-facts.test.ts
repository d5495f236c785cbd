import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instant, instant, minutes, type Rollout, type RolloutState } from "@sluice/core";
import { expect, test } from "vitest";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { appendEvent } from "../store/event-log.ts";
import { writePending } from "../store/pending-units.ts";
import { insertRollout, updateRollout } from "../store/rollouts.ts";
import { writeTestPage } from "../store/standing-orders.ts";
import { openStore, type Store } from "../store/store.ts";
import { alertFacts } from "./alert-facts.ts";

const at = (minute: number): Instant => instant(minutes(10_000 + minute));
const environment = { name: "production", hosts: ["web-1"], pendingAlertMs: minutes(60) };
const fleets = { applied: { fleet: { environments: [environment] } } } as unknown as FleetDesk;
const factsOf = (store: Store, leads = true) =>
  alertFacts(
    {
      ...{ store, fleets, told: () => new Map(), gates: () => [], leads: () => leads },
      blind: () => undefined,
      standstill: () => (leads ? undefined : "the store is old"),
    },
    new Map(),
    at(0),
  );

async function opened(): Promise<AsyncDisposable & { readonly store: Store }> {
  const dir = await mkdtempDisposable(join(tmpdir(), "sluice-facts-"));
  const store = openStore({ dataDir: dir.path });
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      store[Symbol.dispose]();
      await dir.remove();
    },
  };
}

test("activations that have become an event are told with the limit of their environment, younger ones are not", async () => {
  await using it = await opened();
  it.store.transact((db) => {
    writePending(db, { host: "web-1", unit: "site:shop", since: at(-90), alertedAt: at(-20) });
    writePending(db, { host: "web-1", unit: "proxy:shop", since: at(-10) });
  });
  expect(factsOf(it.store).pending).toEqual([
    { host: "web-1", unit: "site:shop", since: at(-90), limitMs: minutes(60) },
  ]);
});

test("restarts are read from the log, each unit by itself, and no further back than they are counted", async () => {
  await using it = await opened();
  const restarted = (minute: number, ...units: readonly string[]) => ({
    ...{ at: at(minute), kind: "unit.restarted", by: "web-1", host: "web-1", sentence: "again" },
    details: { units: units.map((unit) => ({ unit })) },
  });
  it.store.transact((db) => {
    for (const event of [restarted(-11, "front"), restarted(-2, "site:shop", "front")]) appendEvent(db, event);
    appendEvent(db, { at: at(-1), kind: "unit.down", by: "web-1", host: "web-1", sentence: "gone" });
  });
  expect(factsOf(it.store).restarts).toEqual([
    { host: "web-1", unit: "site:shop", at: at(-2) },
    { host: "web-1", unit: "front", at: at(-2) },
  ]);
});

const rollout = (id: string, sites: readonly string[]): Rollout => ({
  ...{ id, kind: "release", title: id, by: "ada", onRegression: "revert", overrides: [] },
  sites,
  createdAt: at(-30),
  stages: [],
});
const reverted: RolloutState = {
  phase: "reverted",
  cause: { kind: "operator", sentence: "no", evidence: [], at: at(-20) },
  steps: {},
  since: at(-20),
};

test("rollouts that went back within a day are among the others, and know whether a later one is about their site", async () => {
  await using it = await opened();
  const ended = (
    db: Parameters<Parameters<Store["transact"]>[0]>[0],
    id: string,
    site: string,
    minute: number,
  ): void => {
    insertRollout(db, rollout(id, [site]), reverted);
    updateRollout(db, id, reverted, at(minute));
  };
  it.store.transact((db) => {
    ended(db, "r-old", "shop", -25 * 60);
    ended(db, "r-1", "shop", -20);
    ended(db, "r-2", "blog", -20);
    insertRollout(db, rollout("r-3", ["shop", "news"]), { ...reverted, phase: "halted" });
  });
  const seen = factsOf(it.store).rollouts.map((one) => [one.rollout.id, one.isFollowed]);
  expect(seen).toEqual([
    ["r-1", true],
    ["r-2", false],
    ["r-3", false],
  ]);
});

test("a coordinator that refuses to lead tells of itself and of test pages, and of nothing that its old store says", async () => {
  await using it = await opened();
  it.store.transact((db) => {
    writePending(db, { host: "web-1", unit: "site:shop", since: at(-90), alertedAt: at(-20) });
    writeTestPage(db, { by: "ada", at: at(-1) });
  });
  const facts = factsOf(it.store, false);
  expect(facts).toMatchObject({ standstill: "the store is old", pending: [], test: { by: "ada" } });
  expect(facts.environmentOf.size).toBe(0);
});
