import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationMs, instant, type NewEvent, Problem, type Rollout, startEvents, startRollout } from "@sluice/core";
import type { ReadEventsRequest } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { createManualClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { FleetDesk } from "../fleet/fleet-desk.ts";
import { appendEvent } from "../store/event-log.ts";
import { writeFleetFiles } from "../store/fleets.ts";
import { insertRollout } from "../store/rollouts.ts";
import { openStore } from "../store/store.ts";
import { fleetText } from "../testing/coordinator-rig.ts";
import { readEvents } from "./read-events.ts";

const rolloutOf = (id: string, site: string): Rollout => ({
  id,
  kind: "release",
  title: `${site} 2`,
  sites: [site],
  by: "ada",
  createdAt: instant(1),
  onRegression: "revert",
  stages: [],
  overrides: [],
});

const said = (at: number, kind: string, more: Partial<NewEvent> = {}): NewEvent => ({
  at: instant(at),
  kind,
  by: "ada",
  sentence: kind,
  ...more,
});

/** A log of nine events about two sites and two hosts. */
async function openLog() {
  const dir = await mkdtempDisposable(join(tmpdir(), "sluice-events-"));
  const store = openStore({ dataDir: dir.path });
  const [shop, blog] = [rolloutOf("r-shop", "shop"), rolloutOf("r-blog", "blog")];
  store.transact((db) => {
    writeFleetFiles(db, [{ name: "fleet.yaml", text: fleetText({ sites: ["shop", "blog"] }) }], "ada", instant(1));
    for (const rollout of [shop, blog]) {
      insertRollout(db, rollout, startRollout({ ...rollout, stages: [] } as Rollout, instant(1)));
    }
    const events = [
      said(10, "fleet.applied"),
      ...startEvents(shop, instant(20)),
      ...startEvents(blog, instant(30)),
      said(40, "step.provisional", { rollout: "r-shop", host: "web-1" }),
      said(50, "unit.restarted", { host: "web-1", details: { sites: ["blog"] } }),
      said(60, "freeze.added", { details: { sites: [] } }),
      said(70, "freeze.added", { details: { sites: ["shop"] } }),
      said(80, "host.silent", { host: "web-2" }),
      said(90, "step.passed", { rollout: "r-shop", host: "web-1" }),
    ];
    for (const event of events) appendEvent(db, event);
  });
  const rollouts = {
    require: (id: string) => {
      if (id === "r-shop") return { rollout: shop, state: startRollout(shop, instant(1)), number: 1 };
      throw new Problem("rollout-unknown", `cannot find rollout '${id}'`);
    },
  };
  const ports = { store, rollouts, fleets: new FleetDesk(store, durationMs(1000)), clock: createManualClock() };
  const ask = (asked: Partial<ReadEventsRequest>) => readEvents(ports, { afterSeq: 0, limit: 0, ...asked });
  return {
    seqs: (asked: Partial<ReadEventsRequest>) => ask(asked).events.map(({ seq }) => seq),
    ask,
    [Symbol.asyncDispose]: async () => {
      store[Symbol.dispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

test.each<readonly [string, Partial<ReadEventsRequest>, readonly number[]]>([
  ["everything", {}, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["a time, both ends included", { sinceMs: 20, untilMs: 40 }, [2, 3, 4]],
  ["a rollout", { rolloutId: "r-shop" }, [2, 4, 9]],
  ["a host", { host: "web-1" }, [4, 5, 9]],
  ["a site: its rollouts, what names it, and what is about the whole fleet", { site: "shop" }, [1, 2, 4, 6, 7, 8, 9]],
  ["another site", { site: "blog" }, [1, 3, 5, 6, 8]],
  ["a site in a time on a host", { site: "shop", sinceMs: 50, host: "web-1" }, [9]],
  ["a time in which nothing happened", { sinceMs: 1000 }, []],
])("the log can be narrowed to %s", async (_, asked, expected) => {
  await using log = await openLog();
  expect(log.seqs(asked)).toEqual(expected);
});

test("pages follow one another without a gap, and the last one says so", async () => {
  await using log = await openLog();
  const first = log.ask({ limit: 4 });
  expect([first.events.map(({ seq }) => seq), first.more]).toEqual([[1, 2, 3, 4], true]);
  expect(log.seqs({ limit: 4, afterSeq: 4 })).toEqual([5, 6, 7, 8]);
  expect(log.ask({ limit: 4, afterSeq: 8 })).toMatchObject({ more: false, events: [{ seq: 9 }] });
  expect(log.ask({ limit: 9 }).more).toBe(false);
});

test("what is asked for in error is refused with what there is", async () => {
  await using log = await openLog();
  expect(() => log.ask({ site: "shpo" })).toThrow("cannot find site 'shpo' in fleet 'acme'; there are shop, blog");
  expect(() => log.ask({ host: "web-9" })).toThrow("cannot find host 'web-9'");
  expect(() => log.ask({ rolloutId: "r-9" })).toThrow("cannot find rollout 'r-9'");
  expect(() => log.ask({ sinceMs: 2, untilMs: 1 })).toThrow("the time asked for ends before it begins");
});
