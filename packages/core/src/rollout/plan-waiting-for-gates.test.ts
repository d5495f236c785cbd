import { expect, test } from "vitest";
import { healthy, live, rollout, stage, world } from "./rollout-builders.ts";

test("the first wave of an environment waits until the hosts of the one before hold for proven what passed there", () => {
  const it = world(rollout({ stages: [stage("acceptance", [["at-1"]]), stage("production", [["web-1"]])] }));
  it.settle();
  it.says("at-1", live);
  it.settle();
  it.pass(30_000);
  it.says("at-1", live);
  it.plan();
  it.input = { ...it.input, hosts: { ...it.input.hosts, "at-1": healthy("at-1", [], "v1") } };
  expect(it.settle().waitingOn[0]?.sentence).toBe("waiting for at-1 to acknowledge what passed there");
  expect(it.state).toMatchObject({ phase: "waiting-for-gates", at: { stage: 1, wave: 0 } });
  it.input = { ...it.input, hosts: { ...it.input.hosts, "at-1": healthy("at-1") } };
  it.plan();
  expect(it.state).toMatchObject({ phase: "activating", at: { stage: 1, wave: 0 } });
});
