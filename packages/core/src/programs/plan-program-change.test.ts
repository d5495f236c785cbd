import { expect, test } from "vitest";
import type { AgentSeen, ObservedHost } from "../activation/observed-host.ts";
import type { Grant, SiteDuties } from "../intent/intent.ts";
import { durationMs, instant, seconds } from "../units/time.ts";
import { createProgramChange, planProgramChange } from "./plan-program-change.ts";
import { noChangeFacts, type ProgramChange, type ProgramChangeInput, programChangeProgress } from "./program-change.ts";
import { programRelease } from "./program-release.ts";

const release = programRelease("agent", "2.0.0", { artifact: "sha256:a", entry: "main.mjs" }, () => "new");
const grant: Grant = {
  id: "g",
  rollout: "r",
  step: "web-1",
  units: [{ unit: "agent", digest: "new" }],
  kind: "activate",
  confirmBy: instant(600_000),
  probesBefore: { kind: "required" },
};
const subject = { grant, since: instant(0), release };
const before: AgentSeen = { digest: "old", version: "1.0.0", pid: 1, startedAtMs: 0, trialEnds: {} };
const onTrial: AgentSeen = { ...before, digest: "new", version: "2.0.0", trial: "g" };
const host = (installed: readonly string[] = ["new"]): ObservedHost => ({ installed, slots: [], proxies: [] });

const duties: SiteDuties = {
  site: "shop",
  forward: { host: "preserve" },
  drainMs: durationMs(0),
  keepPreviousMs: durationMs(0),
  probeEveryMs: seconds(1),
  probeToken: "",
  probes: [{ path: "/", method: "GET", headers: {}, expect: [200], timeoutMs: seconds(1) }],
  bindings: [
    { name: "shop.internal", kind: "internal", bindingPort: 80, address: "", port: 80, tls: false, shared: false },
  ],
};
const question = { site: "shop", binding: "shop.internal", hop: "proxy", probe: "GET /" } as const;
const tallied = (goodInRow: number, badInRow: number) => ({
  "shop shop.internal proxy GET /": { ...question, goodInRow, badInRow, lastBad: "answered 400" },
});
const good = { ...noChangeFacts, tally: tallied(1, 0) };

function plan(state: ProgramChange, over: Partial<ProgramChangeInput> = {}) {
  return planProgramChange({
    ...{ now: instant(1_000), state, word: { kind: "held", grant }, host: host(), running: before },
    ...{ isConnected: true, duties: [duties], missing: [], facts: noChangeFacts, trialEnds: {} },
    ...over,
  });
}

const installing: ProgramChange = { ...subject, phase: "installing", deadline: instant(9_000) };
const trying: ProgramChange = { ...subject, phase: "trying", deadline: instant(9_000) };
const changing: ProgramChange = {
  ...subject,
  phase: "changing-over",
  startedAt: instant(500),
  deadline: instant(9_000),
};
const running: ProgramChange = { ...subject, phase: "on-trial", startedAt: instant(500), deadline: instant(9_000) };
const provisional: ProgramChange = { ...subject, phase: "provisional", switchedAt: instant(900), switchMs: 400 };

test("a good version goes from the disk to being proven, and counts as on trial until it is confirmed", () => {
  expect(plan(installing, { host: host([]) }).actions).toEqual([{ kind: "ensure-installed", release }]);
  expect(plan(installing).next.phase).toBe("trying");
  expect(plan(trying).actions).toEqual([{ kind: "ask-version", release }]);
  expect(plan(trying, { facts: { ...noChangeFacts, saidVersion: "2.0.0" } }).next.phase).toBe("changing-over");
  expect(plan(changing)).toMatchObject({ next: changing, actions: [] });
  expect(plan(changing, { running: onTrial }).next.phase).toBe("on-trial");
  expect(plan(running, { running: onTrial }).actions).toMatchObject([{ kind: "probe", rounds: [{ site: "shop" }] }]);
  const passed = plan(running, { running: onTrial, facts: good }).next;
  expect(programChangeProgress(passed)).toEqual({ kind: "provisional", switchedAt: 1_000, switchMs: 500 });
  expect(plan(provisional, { running: onTrial }).next).toEqual(provisional);
  expect(plan(provisional, { running: onTrial, word: { kind: "confirmed" } }).next.phase).toBe("done");
  const asProven: AgentSeen = { ...before, digest: "new", version: "2.0.0" };
  expect(plan(provisional, { running: asProven, word: { kind: "confirmed" } }).next.phase).toBe("done");
});

const failures: readonly (readonly [string, ProgramChange, Partial<ProgramChangeInput>, string])[] = [
  [
    "that calls itself otherwise than it was pushed as",
    trying,
    { facts: { ...noChangeFacts, saidVersion: "1.9.0" } },
    "it is 1.9.0",
  ],
  [
    "that the watchdog has given up",
    changing,
    { trialEnds: { g: "it ended with exit code 1" } },
    "it ended with exit code 1",
  ],
  ["that the watchdog never starts", changing, { now: instant(9_000) }, "did not start it in time"],
  ["that reports another version", running, { running: { ...onTrial, version: "1.0.0" } }, "says that it is 1.0.0"],
  [
    "under which a site does not answer",
    running,
    { running: onTrial, facts: { ...noChangeFacts, tally: tallied(0, 3) } },
    "answered 400",
  ],
  [
    "under which a unit stays down",
    running,
    { running: onTrial, facts: good, missing: ["site shop 1 does not run"], now: instant(9_000) },
    "site shop 1 does not run",
  ],
  [
    "that does not reach the coordinator",
    running,
    { running: onTrial, facts: good, isConnected: false, now: instant(9_000) },
    "reaches the coordinator",
  ],
  ["that no longer runs", provisional, { running: before }, "nobody says why"],
];

test.each(failures)("a version %s has failed and has touched no user", (_, state, over, why) => {
  const { next } = plan(state, over);
  expect(next).toMatchObject({ phase: "ended", end: { kind: "failed", touchedTraffic: false } });
  expect(JSON.stringify(next)).toContain(why);
});

test.each([installing, trying, changing, running, provisional])(
  "a change that is $phase ends when its grant is taken back or its time is up",
  (state) => {
    const running = state.phase === "on-trial" || state.phase === "provisional" ? onTrial : before;
    expect(plan(state, { running, word: { kind: "withdrawn" } }).next).toMatchObject({ end: { kind: "withdrawn" } });
    expect(plan(state, { running, now: grant.confirmBy }).next).toMatchObject({ end: { kind: "unconfirmed" } });
  },
);

test("nothing is tried by a grant whose release nobody described, or that names another unit as well", () => {
  expect(createProgramChange("agent", grant, {}, instant(0))).toMatchObject({ end: { failure: "install" } });
  const both: Grant = { ...grant, units: [...grant.units, { unit: "front", digest: "f" }] };
  expect(createProgramChange("agent", both, { new: release }, instant(0))).toMatchObject({
    end: { failure: "install" },
  });
  expect(createProgramChange("agent", grant, { new: release }, instant(0)).phase).toBe("installing");
});
