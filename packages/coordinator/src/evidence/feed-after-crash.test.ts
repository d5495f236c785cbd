import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  blockMs,
  defaultHealthSettings,
  durationMs,
  type HealthState,
  instant,
  judgeTests,
  type ProbeOutcome,
  type ProbeResult,
  type ProbeStratum,
  startTests,
  testHost,
} from "@sluice/core";
import { toWireProbeResult } from "@sluice/protocol";
import { createManualClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, test } from "vitest";
import { readHealthState, writeHealthState } from "../store/health-states.ts";
import { openStore } from "../store/store.ts";
import { EvidenceBook } from "./evidence-book.ts";
import { feedTests, historyOf, type Untils } from "./evidence-feed.ts";
import { TrafficBook } from "./traffic-book.ts";

const good: ProbeOutcome = { kind: "good", status: 200 };
const bad: ProbeOutcome = { kind: "bad", status: 400, reason: "answered 400, expected 200" };

const way = { site: "shop", binding: "a.example", bindingPort: 80, hop: "proxy" } as const;
const probed: ProbeStratum = { ...way, source: "probe", probe: "GET /", indicator: "unexpected" };

const hosts = ["web-1", "web-2", "web-3"];
const historyRounds = 40;
const rounds = 12;

/** Which step the coordinator does not live to end; it is started again and goes on from what is on disk. */
type Crash = "never" | "after batch" | "before save" | "after save";

/** Web-1 changes and fails from its fourth round on; all rounds come in one by one. */
async function play(planned: Crash): Promise<HealthState> {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-crash-"));
  const clock = createManualClock();
  const log = openLog({ name: "coordinator", level: "silent" });
  const begin = clock.now();
  const at = (round: number) => instant(begin + round * blockMs);
  let open = boot();
  let before: Untils | undefined;
  let crash = planned;
  let seq = 0;

  function boot() {
    const store = openStore({ dataDir: dir.path });
    const books = {
      traffic: new TrafficBook({ store, clock, log }),
      evidence: new EvidenceBook({ store, clock, log }),
    };
    return { store, books };
  }

  function crashed(when: Crash): boolean {
    if (crash !== when) return false;
    open.store[Symbol.dispose]();
    open = boot();
    before = undefined;
    return true;
  }

  function comeIn(round: number): void {
    for (const host of hosts) {
      const outcome = host === "web-1" && round >= historyRounds + 3 ? bad : good;
      const asked = { host, ...way, probe: "GET /", tookMs: 1 };
      const result: ProbeResult = { ...asked, at: at(round), round: at(round), outcome };
      seq += 1;
      const batch = { seq, epoch: "e", dropped: 0, results: [toWireProbeResult(result)] };
      open.books.evidence.count(host, batch);
      // Who hears no answer sends again.
      if (round >= historyRounds && host === "web-2" && crashed("after batch")) open.books.evidence.count(host, batch);
    }
  }

  function feed(): void {
    const tests = readHealthState(open.store, "r-1");
    if (tests === undefined) throw new Error("the tests have begun");
    const scope = { hosts, sites: ["shop"], awaited: hosts.map((host) => ({ host, site: "shop" })) };
    const fed = feedTests(open.books, scope, tests, clock.now(), before);
    if (fed === undefined || crashed("before save")) return;
    open.store.transact((db) => writeHealthState(db, "r-1", fed.state));
    before = fed.untils;
    crashed("after save");
  }

  for (let round = 0; round < historyRounds; round++) comeIn(round);
  const since = at(historyRounds);
  const plan = hosts.map((host) => ({ host, environment: "production", changes: true, strata: [probed] }));
  const fresh = startTests({ settings: { production: { shop: defaultHealthSettings } }, hosts: plan });
  const history = await historyOf(open.books, { hosts, sites: ["shop"] }, since, new AbortController().signal);
  const begun = testHost(fresh, { host: "web-1", since, history });
  open.store.transact((db) => writeHealthState(db, "r-1", begun));
  await clock.advance(durationMs(historyRounds * blockMs));
  for (let round = historyRounds; round < historyRounds + rounds; round++) {
    comeIn(round);
    await clock.advance(blockMs);
    if (crash !== "before save" || round % 2 === 0) feed();
  }
  // Who was started again has to wait for hosts of which it knows no newest round; then everything is in.
  await clock.advance(durationMs(4 * blockMs));
  crash = "never";
  feed();
  const state = readHealthState(open.store, "r-1");
  open.store[Symbol.dispose]();
  if (state === undefined) throw new Error("the tests were saved");
  return state;
}

test.each(["after batch", "before save", "after save"] as const)(
  "a coordinator that is killed %s, each time, counts everything once and comes to the same verdict",
  async (crash) => {
    const undisturbed = await play("never");
    const disturbed = await play(crash);
    const question = { now: instant(Object.values(undisturbed.tests)[0]?.newestAt ?? 0), hosts: ["web-1"] };
    const [test] = Object.values(undisturbed.tests);
    expect(test?.now).toEqual({ requests: rounds, bad: rounds - 3 });
    expect(Object.values(disturbed.tests).map(({ now, others }) => [now, others])).toEqual(
      Object.values(undisturbed.tests).map(({ now, others }) => [now, others]),
    );
    expect(judgeTests(undisturbed, question).kind).toBe("regressed");
    expect(judgeTests(disturbed, question).kind).toBe("regressed");
    expect(Object.values(disturbed.tests)[0]?.ownHistory).toEqual(test?.ownHistory);
  },
);
