import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HostObservation, instant, minutes } from "@sluice/core";
import { expect, test } from "vitest";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import { readEvents } from "../store/event-log.ts";
import { writeDesired } from "../store/host-units.ts";
import { readPending } from "../store/pending-units.ts";
import { openStore, type Store } from "../store/store.ts";
import { watchPending } from "./watch-pending.ts";

const environment = { name: "production", hosts: ["web-1"], pendingAlertMs: minutes(60) };
const configured = { fleet: { environments: [environment] } } as unknown as ConfiguredFleet;
const at = (minute: number) => instant(minutes(minute));

const saying = (running: string): HostObservation => ({
  host: "web-1",
  at: at(0),
  agent: { version: "1", startedAt: at(0) },
  maxFence: 1,
  generation: 1,
  intentDigest: "",
  units: [
    {
      unit: "site:shop",
      installed: ["old", "new"],
      running: { digest: running, version: running, build: "1", pid: 1, startedAt: at(0) },
      proven: running,
      reasons: [],
    },
  ],
  grants: [],
  remarks: [],
});

const look = (store: Store, minute: number, running: string, connected = true) =>
  watchPending({ store, now: at(minute), configured, findHost: () => ({ connected, observation: saying(running) }) });
const alerts = (store: Store) => readEvents(store, 0, 10).map(({ kind, host, sentence }) => [kind, host, sentence]);

test("an activation that is pending for too long is an event once, its age outlives a restart, and it begins anew", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-pending-"));
  {
    using store = openStore({ dataDir: dir.path });
    store.transact((db) => writeDesired(db, { host: "web-1", unit: "site:shop", digest: "new" }));
    look(store, 0, "old");
    look(store, 60, "old");
    expect(alerts(store)).toEqual([]);
  }
  using store = openStore({ dataDir: dir.path });
  look(store, 61, "old");
  look(store, 90, "old");
  const sentence = "site shop new is pending activation; old runs; pending for 1h 1m, longer than 1h";
  expect(alerts(store)).toEqual([["unit.pending-too-long", "web-1", sentence]]);
  look(store, 91, "new", false);
  expect(readPending(store)).toHaveLength(1);
  look(store, 92, "new");
  expect(readPending(store)).toEqual([]);
  look(store, 93, "old");
  look(store, 100, "old");
  expect(alerts(store)).toHaveLength(1);
});
