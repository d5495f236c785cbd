import { expect, test } from "vitest";
import type { AgentSeen } from "../activation/observed-host.ts";
import type { Grant } from "../intent/intent.ts";
import { instant } from "../units/time.ts";
import { type ProgramFile, type ProgramInput, planProgramFile } from "./plan-program-file.ts";
import type { ProgramChange } from "./program-change.ts";
import { programFileSchema } from "./program-change-schema.ts";
import { programRelease } from "./program-release.ts";

const files = { artifact: "sha256:a", entry: "main.mjs" };
const one = programRelease("agent", "1.0.0", files, () => "one");
const two = programRelease("agent", "2.0.0", files, () => "two");
const byHand = programRelease("agent", "0.9.0", undefined, () => "by-hand");
const grant: Grant = {
  id: "g",
  rollout: "r",
  step: "web-1",
  units: [{ unit: "agent", digest: "two" }],
  kind: "activate",
  confirmBy: instant(600),
  probesBefore: { kind: "required" },
};
const subject = { grant, since: instant(0), release: two };
const changing: ProgramChange = { ...subject, phase: "changing-over", startedAt: instant(0), deadline: instant(9) };
const provisional: ProgramChange = { ...subject, phase: "provisional", switchedAt: instant(1), switchMs: 1 };
const ended: ProgramChange = { ...subject, phase: "ended", at: instant(2), end: { kind: "withdrawn" } };

const old: AgentSeen = { digest: "one", version: "1.0.0", pid: 1, startedAtMs: 0, trialEnds: {} };
const tried: AgentSeen = { ...old, digest: "two", version: "2.0.0", trial: "g" };
const proven = { digest: "one", release: "1.0.0", files };
const trial = { digest: "two", release: "2.0.0", files, grant: "g", confirmBy: instant(600), isReported: false };

const plan = (over: Partial<ProgramInput>) =>
  planProgramFile({ file: { version: 1, proven }, changes: [], proven: one, agent: old, ...over });

test("at rest the watchdog is told of the proven program, and nobody makes room", () => {
  expect(plan({})).toEqual({ file: { version: 1, proven }, changesOver: false });
  expect(plan({ proven: byHand }).file).toEqual({ version: 1 });
});

test("the program before makes room for the one to be tried, once", () => {
  expect(plan({ changes: [changing] })).toEqual({ file: { version: 1, proven, trial }, changesOver: true });
  const told = { version: 1, proven, trial } as const;
  expect(plan({ changes: [changing], file: told, agent: { ...old, trialEnds: { g: "it died" } } }).changesOver).toBe(
    false,
  );
  expect(plan({ changes: [changing], file: told, agent: tried }).changesOver).toBe(false);
});

test("a program on trial says when it has found all well, stays when it is proven, and makes room when its trial is over", () => {
  const told: ProgramFile = { version: 1, proven, trial };
  expect(plan({ changes: [provisional], file: told, agent: tried })).toEqual({
    file: { version: 1, proven, trial: { ...trial, isReported: true } },
    changesOver: false,
  });
  const confirmed = plan({ file: told, agent: tried, proven: two });
  expect(confirmed).toEqual({
    file: { version: 1, proven: { ...proven, digest: "two", release: "2.0.0" } },
    changesOver: false,
  });
  expect(plan({ changes: [ended], file: told, agent: tried })).toEqual({
    file: { version: 1, proven },
    changesOver: true,
  });
});

test("an agent that has lost its memory takes what is proven from the file, and ends a trial that it knows nothing of", () => {
  expect(plan({ proven: undefined })).toEqual({ file: { version: 1, proven }, changesOver: false });
  const lost = plan({ proven: undefined, file: { version: 1, proven, trial }, agent: tried });
  expect(lost).toEqual({ file: { version: 1, proven }, changesOver: true });
});

test("what is written can be read", () => {
  const { file } = plan({ changes: [changing] });
  expect(programFileSchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
});
