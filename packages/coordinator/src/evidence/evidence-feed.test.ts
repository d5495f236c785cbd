import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  blockMs,
  durationMs,
  instant,
  type ProbeOutcome,
  type ProbeResult,
  seconds,
  type TrafficBlock,
} from "@sluice/core";
import { toWireProbeResult, toWireTraffic } from "@sluice/protocol";
import { createManualClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test } from "vitest";
import { openStore } from "../store/store.ts";
import { EvidenceBook } from "./evidence-book.ts";
import { evidenceSince, historyOf, untilsOf } from "./evidence-feed.ts";
import { TrafficBook } from "./traffic-book.ts";

const good: ProbeOutcome = { kind: "good", status: 200 };
const bad: ProbeOutcome = { kind: "bad", status: 400, reason: "answered 400, expected 200" };

/** The books of a coordinator; time stands still at the start of a block. */
async function openBooks() {
  const dir = await mkdtempDisposable(join(tmpdir(), "sluice-feed-"));
  const store = openStore({ dataDir: dir.path });
  onTestFinished(async () => {
    store[Symbol.dispose]();
    await dir.remove();
  });
  const clock = createManualClock();
  const log = openLog({ name: "coordinator", level: "silent" });
  const books = { traffic: new TrafficBook({ store, clock, log }), evidence: new EvidenceBook({ store, clock, log }) };
  const begin = clock.now();
  let seq = 0;
  const at = (block: number) => instant(begin + block * blockMs);
  return {
    ...books,
    clock,
    at,
    count(host: string, block: number, site = "shop") {
      const way = { site, binding: "a.example", bindingPort: 80, hop: "proxy" } as const;
      const counted: TrafficBlock = { ...way, startsAt: at(block), outcomes: { ok: 1 }, latency: [1] };
      seq += 1;
      books.traffic.count(host, { seq, epoch: "e", dropped: 0, series: toWireTraffic([counted]) });
    },
    probe(host: string, round: number, outcome: ProbeOutcome, probe = "GET /") {
      const asked = {
        host,
        site: "shop",
        binding: "a.example",
        bindingPort: 80,
        hop: "proxy",
        probe,
        tookMs: 1,
      } as const;
      const result: ProbeResult = { ...asked, at: at(round), round: at(round), outcome };
      seq += 1;
      books.evidence.count(host, { seq, epoch: "e", dropped: 0, results: [toWireProbeResult(result)] });
    },
  };
}

const hosts = ["web-1", "web-2"];
const scope = { hosts, awaited: hosts.map((host) => ({ host, site: "shop" })), sites: ["shop"] };

test("evidence is told until the host that is behind, and only of the sites and the time that are asked for", async () => {
  const books = await openBooks();
  const { at, clock } = books;
  await clock.advance(seconds(30));
  for (const block of [0, 1, 2]) books.count("web-1", block);
  for (const block of [0, 1]) books.count("web-2", block);
  books.count("web-1", 2, "blog");
  const fed = evidenceSince(books, scope, at(1), untilsOf(books, scope, clock.now()));
  expect(fed.traffic.map(({ host, block }) => [host, block.site, block.startsAt])).toEqual([
    ["web-1", "shop", at(1)],
    ["web-1", "shop", at(2)],
    ["web-2", "shop", at(1)],
  ]);
  expect(fed.trafficUntil).toBe(at(2));
});

test("a host that says nothing is waited for half a minute, and no longer", async () => {
  const books = await openBooks();
  const { at, clock } = books;
  for (const host of scope.hosts) {
    books.count(host, 0);
    books.probe(host, 0, good);
  }
  await clock.advance(seconds(20));
  for (const block of [1, 2]) books.probe("web-1", block, good);
  const early = evidenceSince(books, scope, at(0), untilsOf(books, scope, clock.now()));
  expect([early.trafficUntil, early.probesUntil]).toEqual([at(1), at(0) + 1]);
  await clock.advance(seconds(60));
  const late = evidenceSince(books, scope, at(0), untilsOf(books, scope, clock.now()));
  expect([late.trafficUntil, late.probesUntil]).toEqual([at(5), at(5)]);
});

test("a host that is cut off is not waited for at all, and what it counted is told all the same", async () => {
  const books = await openBooks();
  const { at, clock } = books;
  await clock.advance(seconds(30));
  for (const block of [0, 1, 2]) books.count("web-1", block);
  books.count("web-2", 0);
  const awaited = [{ host: "web-1", site: "shop" }];
  const fed = evidenceSince(books, scope, at(0), untilsOf(books, { ...scope, awaited }, clock.now()));
  expect(fed.trafficUntil).toBe(at(3));
  expect(fed.traffic).toHaveLength(4);
});

test("history is the day before a change", async () => {
  const books = await openBooks();
  const { at, clock } = books;
  const dayOfBlocks = (24 * 3_600_000) / blockMs;
  books.count("web-1", 0);
  for (const round of [0, 1, 2]) books.probe("web-1", round, good);
  books.probe("web-1", 2, bad, "GET /buy");
  await clock.advance(durationMs(dayOfBlocks * blockMs));
  books.count("web-1", dayOfBlocks - 1);
  books.probe("web-1", dayOfBlocks, bad);
  const history = await historyOf(books, scope, at(dayOfBlocks), new AbortController().signal);
  expect(history.traffic.map(({ block }) => block.startsAt)).toEqual([at(0), at(dayOfBlocks - 1)]);
  expect(history.probes).toHaveLength(4);
});

test("results of probes that an agent could not send are added up, however often a batch is repeated", async () => {
  const { evidence, clock } = await openBooks();
  expect(evidence.dropped("web-1")).toEqual({ dropped: 0 });
  const since = clock.now();
  for (const seq of [1, 2, 2]) evidence.count("web-1", { seq, epoch: "e", dropped: 3, results: [] });
  await clock.advance(seconds(10));
  evidence.count("web-1", { seq: 1, epoch: "later", dropped: 1, results: [] });
  expect(evidence.dropped("web-1")).toMatchObject({ dropped: 7, droppedSince: since });
});
