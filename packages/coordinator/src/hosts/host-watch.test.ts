import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationMs, type HostObservation, instant, rebootReturnMs } from "@sluice/core";
import { createManualClock, type ManualClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, test } from "vitest";
import { FleetDesk } from "../fleet/fleet-desk.ts";
import { readEvents } from "../store/event-log.ts";
import { writeFleetFiles } from "../store/fleets.ts";
import { removeOrder, writeOrder } from "../store/standing-orders.ts";
import { openStore, type Store } from "../store/store.ts";
import { fleetText } from "../testing/coordinator-rig.ts";
import { HostWatch } from "./host-watch.ts";
import { Roster } from "./roster.ts";

const names = ["at-1", "web-1", "web-2"] as const;
const heartbeatMs = durationMs(1000);
const folder = () => mkdtempDisposable(join(tmpdir(), "sluice-watch-"));

function openFleet(dataDir: string): Store {
  const store = openStore({ dataDir });
  store.transact((db) => writeFleetFiles(db, [{ name: "fleet.yaml", text: fleetText() }], "ada", instant(1)));
  return store;
}

/** One life of a coordinator, as far as it watches hosts. */
function watching(store: Store, clock: ManualClock) {
  const roster = new Roster(clock, heartbeatMs, [...names]);
  const fleets = new FleetDesk(store, durationMs(1000));
  const log = openLog({ name: "coordinator", level: "silent" });
  const watch = new HostWatch({ store, clock, log, fleets, roster, heartbeatMs });
  return {
    watch,
    says: (...observations: readonly HostObservation[]) => {
      for (const observation of observations) {
        roster.observed(observation);
        watch.heard(observation.host);
      }
      watch.look();
    },
    look: async (ms: number) => {
      await clock.advance(durationMs(ms));
      watch.look();
    },
  };
}

const wordOf = (host: string, pid = 1): HostObservation => ({
  host,
  at: instant(1),
  agent: { version: "0", startedAt: instant(1) },
  maxFence: 1,
  generation: 1,
  intentDigest: "",
  units: [
    {
      unit: "site:shop",
      installed: ["v1"],
      desired: "v1",
      proven: "v1",
      running: { digest: "v1", version: "1.0.0", build: "1", pid, startedAt: instant(1) },
      reasons: [],
    },
  ],
  grants: [],
  remarks: [],
});

const toldIn = (store: Store) => readEvents(store, 0, 100).map(({ kind, host }) => (host ? `${kind} ${host}` : kind));

test("a host that falls silent is told once, and once when it speaks again", async () => {
  await using dir = await folder();
  using store = openFleet(dir.path);
  const { says, look } = watching(store, createManualClock());
  says(...names.map((host) => wordOf(host)));
  await look(3000);
  says(wordOf("at-1"), wordOf("web-1"));
  await look(2000);
  await look(1000);
  says(wordOf("web-2"));
  await look(1000);
  expect(toldIn(store)).toEqual([
    ...names.map((host) => `host.joined ${host}`),
    "host.silent web-2",
    "host.back web-2",
  ]);
});

test("a host that was drained or told to reboot is not told of as silent, unless it does not come back", async () => {
  await using dir = await folder();
  using store = openFleet(dir.path);
  const clock = createManualClock();
  const { says, look } = watching(store, clock);
  const drain = {
    host: "web-1",
    by: "ada",
    reason: "new disk",
    at: clock.now(),
    noticeMs: durationMs(0),
    limitMs: durationMs(0),
  };
  const lease = { host: "web-2", client: "r", group: "rollout", at: clock.now(), grantedAt: clock.now(), drains: true };
  says(...names.map((host) => wordOf(host)));
  store.transact((db) => {
    writeOrder(db, "drain", "web-1", drain);
    writeOrder(db, "drain", "web-2", { ...drain, host: "web-2" });
    writeOrder(db, "reboot-lease", "web-2", lease);
  });
  const toldOf = () => toldIn(store).filter((event) => /^host\.(silent|back) web/.test(event));
  await look(10_000);
  expect(toldOf()).toEqual([]);
  await look(rebootReturnMs);
  expect(toldOf()).toEqual(["host.silent web-2"]);
  store.transact((db) => removeOrder(db, "drain", "web-1"));
  await look(10_000);
  says(wordOf("web-2"));
  expect(toldOf()).toEqual(["host.silent web-2", "host.silent web-1", "host.back web-2"]);
});

test("after a start nobody is silent yet, and nothing is told again", async () => {
  await using dir = await folder();
  const clock = createManualClock();
  {
    using store = openFleet(dir.path);
    watching(store, clock).says(...names.map((host) => wordOf(host)));
  }
  using store = openStore({ dataDir: dir.path });
  const again = watching(store, clock);
  await again.look(3000);
  again.says(...names.map((host) => wordOf(host)));
  expect(toldIn(store)).toHaveLength(names.length);
});

test("a process that was started again while no coordinator ran is told by the next one", async () => {
  await using dir = await folder();
  const clock = createManualClock();
  {
    using store = openFleet(dir.path);
    watching(store, clock).says(wordOf("web-1"));
  }
  using store = openStore({ dataDir: dir.path });
  watching(store, clock).says(wordOf("web-1", 2));
  const [, restarted] = readEvents(store, 0, 10);
  expect(restarted).toMatchObject({ kind: "unit.restarted", by: "web-1", host: "web-1" });
  expect(JSON.parse(restarted?.details ?? "")).toMatchObject({
    sites: ["shop"],
    units: [{ pid: 2, before: { pid: 1 } }],
  });
});

test("a coordinator that loses sight of many hosts says that it is blind, and when it sees again", async () => {
  await using dir = await folder();
  using store = openFleet(dir.path);
  const { says, look } = watching(store, createManualClock());
  says(...names.map((host) => wordOf(host)));
  await look(5000);
  await look(1000);
  says(...names.map((host) => wordOf(host)));
  await look(1000);
  expect(toldIn(store).filter((event) => event.startsWith("coordinator"))).toEqual([
    "coordinator.blind",
    "coordinator.sees-again",
  ]);
});

test("hosts that were drained and switched off on purpose make no coordinator blind", async () => {
  await using dir = await folder();
  using store = openFleet(dir.path);
  const clock = createManualClock();
  const { says, look } = watching(store, clock);
  says(...names.map((host) => wordOf(host)));
  const order = { by: "ada", reason: "move", at: clock.now(), noticeMs: durationMs(0), limitMs: durationMs(0) };
  store.transact((db) => {
    for (const host of ["web-1", "web-2"]) writeOrder(db, "drain", host, { host, ...order });
  });
  await look(3000);
  says(wordOf("at-1"));
  await look(3000);
  expect(toldIn(store).filter((event) => event.startsWith("coordinator"))).toEqual([]);
  store.transact((db) => removeOrder(db, "drain", "web-1"));
  store.transact((db) => removeOrder(db, "drain", "web-2"));
  await look(1000);
  expect(toldIn(store).filter((event) => event.startsWith("coordinator"))).toEqual(["coordinator.blind"]);
});

test("what cannot be written is told later, not lost", async () => {
  await using dir = await folder();
  using store = openFleet(dir.path);
  const { says, watch } = watching(store, createManualClock());
  says(wordOf("web-1"));
  store.get("PRAGMA max_page_count = 1");
  const large = { ...wordOf("web-1", 2), remarks: ["x".repeat(500_000)] };
  expect(() => says(large)).toThrow(expect.objectContaining({ reason: "disk-full" }));
  store.get("PRAGMA max_page_count = 1000000");
  watch.look();
  expect(toldIn(store)).toEqual(["host.joined web-1", "unit.restarted web-1", "host.remarked web-1"]);
});
