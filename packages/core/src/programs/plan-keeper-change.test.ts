import { expect, test } from "vitest";
import type { KeeperSeen, ObservedHost } from "../activation/observed-host.ts";
import type { Grant } from "../intent/intent.ts";
import { instant } from "../units/time.ts";
import { planProgramChange, takeBackSuccessor } from "./plan-program-change.ts";
import { noChangeFacts, type ProgramChange, type ProgramChangeInput, programChangeProgress } from "./program-change.ts";
import { programChangeSchema } from "./program-change-schema.ts";
import { programRelease } from "./program-release.ts";

const release = programRelease("keeper", "2.0.0", { artifact: "sha256:a", entry: "main.mjs" }, () => "new");
const grant: Grant = {
  id: "g",
  rollout: "r",
  step: "web-1",
  units: [{ unit: "keeper", digest: "new" }],
  kind: "activate",
  confirmBy: instant(600_000),
  probesBefore: { kind: "required" },
};
const kept = { sockets: ["web"], children: { "front-1": 7 } };
const before: KeeperSeen = { digest: "old", version: "1.0.0", pid: 1, startedAtMs: 0, kept };
const onTrial: KeeperSeen = { ...before, digest: "new", version: "2.0.0", pid: 2, trial: "g" };
const host: ObservedHost = { installed: ["new"], slots: [], proxies: [] };

function plan(state: ProgramChange, over: Partial<ProgramChangeInput> = {}) {
  return planProgramChange({
    ...{ now: instant(1_000), state, word: { kind: "held", grant }, host, running: before, kept },
    ...{ isConnected: true, duties: [], missing: [], facts: noChangeFacts, trialEnds: {} },
    ...over,
  });
}

const subject = { grant, since: instant(0), release };
const deadline = instant(9_000);
const trying: ProgramChange = { ...subject, phase: "trying", deadline };
const by = { pid: before.pid, startedAtMs: before.startedAtMs };
const changing: ProgramChange = { ...subject, phase: "changing-over", startedAt: instant(500), deadline, kept, by };
const running: ProgramChange = { ...subject, phase: "on-trial", startedAt: instant(500), deadline, kept };
const provisional: ProgramChange = { ...subject, phase: "provisional", switchedAt: instant(900), switchMs: 400 };
const handingBack: ProgramChange = { ...subject, phase: "handing-back", deadline, end: { kind: "withdrawn" } };

test("a good keeper is handed over to, holds what the one before held, and is proven once it is confirmed", () => {
  expect(plan(trying, { facts: { ...noChangeFacts, saidVersion: "2.0.0" } }).next).toMatchObject({
    phase: "changing-over",
    ...{ kept, by },
  });
  expect(plan(changing).actions).toEqual([{ kind: "hand-over", release, grant: "g" }]);
  expect(plan(changing, { running: onTrial }).next).toMatchObject({ phase: "on-trial", kept });
  expect(plan(running, { running: onTrial }).actions).toEqual([{ kind: "compare-kept", kept }]);
  const holdsAll = { ...noChangeFacts, lost: [] };
  expect(plan(running, { running: onTrial, facts: holdsAll }).next.phase).toBe("provisional");
  expect(plan(provisional, { running: onTrial, word: { kind: "confirmed" } }).next.phase).toBe("done");
});

const lost = { ...noChangeFacts, lost: ["socket web"] };
const busy = { action: "ensure-installed", sentence: "nobody answers", retryHelps: true } as const;
const givenUp: readonly (readonly [string, ProgramChange, Partial<ProgramChangeInput>, string])[] = [
  ["says that it is another version", running, { running: { ...onTrial, version: "1.9.0" } }, "says that it is 1.9.0"],
  ["has lost a socket", running, { running: onTrial, facts: lost }, "has lost socket web"],
  [
    "leaves a unit down",
    running,
    { running: onTrial, facts: { ...lost, lost: [] }, missing: ["front 1 does not run"], now: deadline },
    "front 1 does not run",
  ],
  ["is not confirmed in time", provisional, { running: onTrial, now: grant.confirmBy }, "unconfirmed"],
  ["is taken back", provisional, { running: onTrial, word: { kind: "withdrawn" } }, "withdrawn"],
  ["no longer answers", provisional, { running: undefined }, "no longer answers"],
  ["never answers", changing, { running: undefined }, "nobody answers"],
];

test.each(givenUp)("a keeper on trial that %s has to hand back before the change has ended", (_, state, over, why) => {
  const { next } = plan(state, { facts: { ...noChangeFacts, failures: [busy] }, ...over });
  expect(next.phase).toBe("handing-back");
  expect(JSON.stringify(next)).toContain(why);
  expect(programChangeProgress(next)?.kind).toBe("preparing");
  expect(programChangeSchema.parse(JSON.parse(JSON.stringify(next)))).toEqual(next);
});

test("a handover to a keeper that was only slow is tried three times, and the one before goes on after the last", () => {
  const slow = { ...busy, sentence: "it did not answer within 15 s" };
  const after = (times: number) => plan(changing, { facts: { ...noChangeFacts, failures: Array(times).fill(slow) } });
  for (const times of [0, 1, 2]) expect(after(times).actions).toMatchObject([{ kind: "hand-over" }]);
  expect(after(2).waitingOn).toEqual(["handing over to it; trying again after: it did not answer within 15 s"]);
  expect(after(3).next).toMatchObject({ phase: "ended", end: { reason: "it did not answer within 15 s" } });
});

test("it is asked to hand back, put down when it does not in time or does not answer, and over once another one runs", () => {
  expect(plan(handingBack, { running: onTrial }).actions).toEqual([{ kind: "hand-back" }]);
  expect(plan(handingBack, { running: onTrial, now: deadline }).actions).toEqual([{ kind: "put-down" }]);
  expect(plan(handingBack, { running: undefined }).actions).toEqual([{ kind: "put-down" }]);
  expect(plan(handingBack, { word: { kind: "confirmed" } }).next).toMatchObject({
    phase: "ended",
    end: { kind: "withdrawn" },
  });
});

const over: readonly (readonly [string, ProgramChange, Partial<ProgramChangeInput>, string])[] = [
  [
    "to which the one before could not hand over",
    changing,
    { facts: { ...noChangeFacts, failures: [{ ...busy, sentence: "it ended with 1", retryHelps: false }] } },
    "it ended with 1",
  ],
  ["that does not come in time", changing, { now: deadline }, "did not hand over"],
  [
    "to which another one would have to hand over than the one that was told to",
    changing,
    { running: { ...before, pid: 3 } },
    "was killed",
  ],
  ["that was told to before its host restarted", changing, { running: { ...before, startedAtMs: 9 } }, "was killed"],
  ["that was killed on trial", running, {}, "was killed"],
  ["that was killed later", provisional, {}, "was killed"],
  ["that was taken back before it ran", changing, { word: { kind: "withdrawn" } }, "withdrawn"],
];

test.each(over)("the change to a keeper %s has ended at once: another one runs already", (_, state, how, why) => {
  const { next } = plan(state, how);
  expect(next.phase).toBe("ended");
  expect(JSON.stringify(next)).toContain(why);
});

test("a keeper that comes for a grant which has ended has to hand back, and nothing else has", () => {
  const ended: ProgramChange = { ...subject, phase: "ended", at: instant(950), end: { kind: "withdrawn" } };
  const back = takeBackSuccessor(ended, onTrial, instant(1_000));
  expect(back).toEqual({ ...handingBack, deadline: instant(61_000) });
  expect(takeBackSuccessor(ended, before, instant(1_000))).toBeUndefined();
  expect(takeBackSuccessor(ended, undefined, instant(1_000))).toBeUndefined();
  expect(takeBackSuccessor(provisional, onTrial, instant(1_000))).toBeUndefined();
});
