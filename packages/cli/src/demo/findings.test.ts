import { expect, test } from "vitest";
import { LoadTally } from "../load/load-report.ts";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { differences } from "./demo-stage.ts";
import { exitIs, failureWords, noneFailed, phaseIs, tells, untouchedHosts } from "./findings.ts";

function loadOf(ok: number, failed: number): ReturnType<LoadTally["report"]> {
  const tally = new LoadTally();
  for (let index = 0; index < ok + failed; index += 1) {
    tally.countSent();
    const where = { host: "at-1", way: "listener" };
    tally.count(
      index < ok ? { kind: "ok", ...where, tookMs: 1 } : { kind: "failed", ...where, reason: "answered 400" },
    );
  }
  return tally.report();
}

test("a single failed request is a finding, and so is a load that sent nothing", () => {
  expect(noneFailed(loadOf(10, 0))).toEqual([]);
  expect(noneFailed(loadOf(10, 1))).toEqual(["1 of 11 requests failed: 1 on at-1 via listener answered 400"]);
  expect(noneFailed(loadOf(0, 0))).toEqual(["no request was sent, so nothing is proven"]);
  expect(failureWords(loadOf(1, 2))).toBe("2 on at-1 via listener answered 400");
});

test("another exit code or phase is a finding", () => {
  expect(exitIs(6, 6)).toEqual([]);
  expect(exitIs(0, 6)).toEqual(["exit code 0 instead of 6"]);
  expect(phaseIs(rolloutOf({ phase: "reverted" }), "reverted")).toEqual([]);
  expect(phaseIs(rolloutOf({ phase: "held", statusLine: "held" }), "reverted")).toEqual([
    "rollout r-1 is held instead of reverted: held",
  ]);
});

test("a unit that runs something else, or is not reported any more, is a difference", () => {
  const before = new Map([
    ["at-1 site:shop", "sha256:a, blue, pid 1, since 1"],
    ["at-1 proxy:shop", "sha256:b, pid 2, since 1"],
  ]);
  expect(differences(before, new Map(before))).toEqual([]);
  expect(differences(before, new Map([["at-1 site:shop", "sha256:a, blue, pid 9, since 2"]]))).toEqual([
    "at-1 site:shop ran sha256:a, blue, pid 1, since 1 before and sha256:a, blue, pid 9, since 2 after",
    "at-1 proxy:shop ran sha256:b, pid 2, since 1 before and not reported after",
  ]);
});

test("the reason of a halt is searched in its sentence and its evidence", () => {
  const cause = { kind: "regressed", sentence: "at-1 fails", evidence: ["app.com answered 400"], atMs: 1 };
  expect(tells(rolloutOf({ cause }), "app.com")).toBe(true);
  expect(tells(rolloutOf({ cause }), "app.local")).toBe(false);
  expect(tells(rolloutOf(), "app.com")).toBe(false);
});

test("untouched hosts are those whose step never began", () => {
  expect(untouchedHosts(rolloutOf())).toEqual([]);
  const steps = [{ host: "web-1", state: "pending", units: [] }];
  const stages = [{ environment: "production", soakMs: 0, approval: [], gates: [], waves: [{ steps }] }];
  expect(untouchedHosts(rolloutOf({ stages }))).toEqual(["web-1"]);
});
