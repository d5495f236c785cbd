import { expect, test } from "vitest";
import type { Approval } from "../rollout/rollout.ts";
import { at, rollout, stage } from "../rollout/rollout-builders.ts";
import { minutes, seconds } from "../units/time.ts";
import { approversOf, missingApprovals } from "./approvals.ts";

const role = "release-manager";
const gates = { soakMs: seconds(30), approval: [{ role, count: 1 }], maxWaitMs: minutes(5) };
const stages = [stage("acceptance", [["at-1"]], { gates }), stage("production", [["web-1"]], { gates })];
const approval = (environment: string, by: string): Approval => ({ environment, role, by, at: at(0) });

test("an approval of one environment says nothing of another", () => {
  const of = rollout({ stages });
  const state = { at: { stage: 1, wave: 0 }, approvals: [approval("acceptance", "ada")] };
  expect(approversOf(of, state, role)).toEqual([]);
  expect(missingApprovals(of, state)).toEqual(["production needs the approval of a release-manager"]);
  const approved = { ...state, approvals: [...state.approvals, approval("production", "ada")] };
  expect(missingApprovals(of, approved)).toEqual([]);
});
