import fc from "fast-check";
import { expect, test } from "vitest";
import { feedEvidence } from "./feed-evidence.ts";
import {
  answered400,
  at,
  counted,
  fed,
  fedUntil,
  good,
  probeStratum,
  scene,
  started,
  trafficStrata,
  way,
} from "./health-builders.ts";
import type { HealthState } from "./health-state.ts";
import { judgeTests } from "./judge-tests.ts";

import { type TestedStratum, wayKey } from "./tested-stratum.ts";
import { weighTests } from "./weigh.ts";

/** The same number between 0 and 1 for the same arguments. */
function noise(seed: number, host: string, second: number, kind: number): number {
  let mixed = Math.imul(
    seed ^ Math.imul(second + 100_003 * kind, 0x9e3779b1) ^ (host.charCodeAt(4) * 7919),
    0x85ebca6b,
  );
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 4_294_967_296;
}

/** A site with errors of all kinds on all hosts; web-1 is worse since its change. */
const noisy = (seed: number) =>
  scene({
    historyS: 1800,
    traffic: (host, second) => ({
      ok: 30,
      failed: noise(seed, host, second, 1) < (second >= 0 && host === "web-1" ? 0.4 : 0.1) ? 3 : 0,
      "not-found": noise(seed, host, second, 2) < 0.5 ? 2 : 0,
    }),
    probe: (host, second) => (noise(seed, host, second, 3) < 0.02 ? answered400 : good),
  });

const seeds = fc.integer({ min: 1, max: 1e6 });
const runs = { numRuns: 8 };

test("feeding twice, or too much, or in pieces of any size changes nothing", () => {
  fc.assert(
    fc.property(seeds, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 8 }), (seed, pieces) => {
      const of = noisy(seed);
      let state = started(of);
      let until = 0;
      for (const piece of pieces) {
        until += piece * 10;
        state = feedEvidence(state, fed(of, 0, until));
        expect(feedEvidence(state, fed(of, 0, until)).tests).toEqual(state.tests);
      }
      expect(state).toEqual(fedUntil(of, until));
    }),
    runs,
  );
});

test("the same block or round twice in one go counts once", () => {
  const of = noisy(7);
  const once = fed(of, 0, 120);
  const twice = { ...once, traffic: [...once.traffic, ...once.traffic], probes: [...once.probes, ...once.probes] };
  expect(feedEvidence(started(of), twice)).toEqual(feedEvidence(started(of), once));
});

test("a state that went through JSON on its way gives the same verdict", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const of = noisy(seed);
      const half = fedUntil(of, 200);
      const saved: HealthState = JSON.parse(JSON.stringify(half));
      const question = { now: at(400), hosts: ["web-1"] };
      expect(judgeTests(fedUntil(of, 400, saved), question)).toEqual(judgeTests(fedUntil(of, 400, half), question));
    }),
    runs,
  );
});

test("strata without anything bad never change the evidence of another", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const of = noisy(seed);
      const more = { ...of, strata: [...of.strata, { ...probeStratum, probe: "GET /other" }] };
      const evidence = (state: HealthState) =>
        weighTests(state).map(({ test, logEvidence }) => [test.stratum, logEvidence]);
      const with_ = evidence(fedUntil({ ...more, probe: of.probe }, 300));
      for (const row of evidence(fedUntil(of, 300))) expect(with_).toContainEqual(row);
    }),
    runs,
  );
});

test("indicators under which nothing is bad never change the evidence of another", () => {
  const isBad = ({ indicator }: TestedStratum) => indicator === "failed" || indicator === "not-found";
  fc.assert(
    fc.property(seeds, (seed) => {
      const all = noisy(seed);
      const few = { ...all, strata: [...trafficStrata.filter(isBad), probeStratum] };
      const evidence = (of: typeof all) => weighTests(fedUntil(of, 300)).map((one) => [one.test, one.logEvidence]);
      const withClean = evidence(all);
      expect(withClean.length).toBeGreaterThan(few.strata.length);
      for (const row of evidence(few)) expect(withClean).toContainEqual(row);
    }),
    runs,
  );
});

test("a host that changes is no control from then on, and its later blocks are nobody's", () => {
  const of = scene({ strata: trafficStrata, traffic: (host) => (host === "web-2" ? { failed: 50 } : { ok: 50 }) });
  const state = fedUntil(of, 60);
  const before = state.tests[`web-1|${wayKey(way)}|traffic|failed`];
  expect(before?.others).toEqual({ requests: 900, bad: 300, hosts: 3 });
  const changed = { ...state, hosts: { ...state.hosts, "web-2": { ...hostOf(state, "web-2"), changedAt: at(60) } } };
  const after = fedUntil(of, 120, changed).tests[`${before?.host}|${wayKey(way)}|traffic|failed`];
  expect(after?.others).toEqual({ requests: 1500, bad: 300, hosts: 3 });
});

test("blocks of names that are no binding are nobody's", () => {
  const of = scene();
  const stranger = counted(of, 0, 60).traffic.map(({ host, block }) => ({
    host,
    block: { ...block, binding: "evil.com" },
  }));
  const state = feedEvidence(started(of), { traffic: stranger, trafficUntil: at(60), probes: [], probesUntil: at(0) });
  expect(Object.values(state.tests).every(({ now }) => now.requests === 0)).toBe(true);
});

function hostOf(state: HealthState, host: string) {
  const found = state.hosts[host];
  if (found === undefined) throw new Error(`${host} is in the plan`);
  return found;
}
