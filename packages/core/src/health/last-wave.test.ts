import { expect, test } from "vitest";
import { answered400, at, changedToo, fedUntil, good, probeStratum, type Scene, scene } from "./health-builders.ts";
import type { HealthState } from "./health-state.ts";
import { judgeTests } from "./judge-tests.ts";

const hosts = ["web-1", "web-2"];
const failsFrom = (from: number, until: number, names: readonly string[]) => (host: string, second: number) =>
  second >= from && second < until && names.includes(host);

/** Two hosts; web-2 is the last one to change, two and a half minutes after web-1. */
function twoHosts(fails: (host: string, second: number) => boolean, more: Partial<Scene> = {}): Scene {
  return scene({
    others: 1,
    traffic: (host, second) => (fails(host, second) ? { failed: 5 } : { ok: 5 }),
    probe: (host, second) => (fails(host, second) ? answered400 : good),
    ...more,
  });
}

const lastBegins = 150;
const inLastWave = (of: Scene, begins: number): HealthState => changedToo(of, fedUntil(of, begins), "web-2", begins);

/** What is decided in the ten minutes after the last wave began. */
function decided(of: Scene, begins = lastBegins): readonly string[] {
  let state = inLastWave(of, begins);
  const kinds = new Set<string>();
  for (let second = begins; second <= begins + 600; second += 10) {
    state = fedUntil(of, second, state);
    const verdict = judgeTests(state, { now: at(second), hosts: ["web-2"] });
    kinds.add(verdict.kind);
    if (verdict.kind === "regressed") return [...kinds, ...verdict.reasons];
  }
  return [...kinds];
}

test("an outage that all hosts had during the trial of the first is not held against it when none is left to compare with", () => {
  expect(decided(twoHosts(failsFrom(0, 60, hosts)), 80)).toEqual(["inconclusive", "pass"]);
});

test("neither is one that was ten minutes long, however often it was counted", () => {
  const of = twoHosts(failsFrom(-300, 300, hosts));
  const state = changedToo(of, fedUntil(of, 600), "web-2", 600);
  const verdict = judgeTests(fedUntil(of, 900, state), { now: at(900), hosts: ["web-2"] });
  expect(verdict.kind).toBe("pass");
});

test("trouble that goes on from before the last host changed is not its change's doing", () => {
  const of = twoHosts(failsFrom(60, 900, hosts));
  expect(decided(of)).toEqual(["inconclusive"]);
});

test("a host that passed and fails by itself in the last wave still halts, and so does the last one", () => {
  for (const host of hosts) {
    const [, ...reasons] = decided(twoHosts(failsFrom(lastBegins + 60, 1e6, [host])));
    expect(reasons[0], host).toBe("regressed");
    expect(reasons[1], host).toContain("Before/after only: a cause outside this host is not excluded");
  }
});

test("slowness that all hosts had before the last one changed is what it is compared with", () => {
  const usual = [0, 0, 0, 0, 48, 2];
  const slower = [0, 0, 0, 0, 5, 0, 0, 0, 45];
  const slow = failsFrom(60, 1e6, hosts);
  const of = twoHosts(() => false, { latency: (host, second) => (slow(host, second) ? slower : usual) });
  expect(decided(of)).not.toContain("regressed");
});

test("a shared outage of probes alone is told, and forgotten a minute after it ended", () => {
  const fails = failsFrom(20, 620, hosts);
  const of = twoHosts(() => false, {
    strata: [probeStratum],
    probe: (host, second) => (fails(host, second) ? answered400 : good),
  });
  let state = fedUntil(of, 0);
  const told: number[] = [];
  for (let second = 10; second <= 800; second += 10) {
    state = fedUntil(of, second, state);
    const verdict = judgeTests(state, { now: at(second), hosts: ["web-1"] });
    expect(verdict.kind).not.toBe("regressed");
    if (verdict.kind === "inconclusive" && verdict.environmentUnhealthy === true) told.push(second);
  }
  expect(told[0]).toBe(50);
  expect(told.at(-1)).toBe(670);
  expect(judgeTests(state, { now: at(800), hosts: ["web-1"] }).kind).toBe("pass");
});

test("in whatever pieces evidence comes in after the last host changed, it comes to the same", () => {
  const of = twoHosts(failsFrom(60, 200, hosts));
  const begun = inLastWave(of, lastBegins);
  let inPieces = begun;
  for (let second = lastBegins; second <= 400; second += 10) inPieces = fedUntil(of, second, inPieces);
  expect(inPieces).toEqual(fedUntil(of, 400, begun));
});
