import { expect, test } from "vitest";
import { live, regressed, world } from "./rollout-builders.ts";

test("who could not go back in time is left as it is, and somebody is called", () => {
  const it = world();
  it.settle();
  it.says("web-1", live);
  it.settle();
  it.input = { ...it.input, verdict: regressed };
  it.settle();
  const { state } = it;
  expect(state).toMatchObject({ phase: "reverting", steps: { "web-1": { kind: "withdrawing" } } });
  if (state.phase === "reverting") it.pass(state.deadline - it.input.now);
  it.plan();
  expect(it.state.phase).toBe("held");
  expect(it.actions.at(-1)).toMatchObject({
    kind: "page",
    sentence: expect.stringContaining(
      "could not go back everywhere in time: waiting for web-1 to be back on what ran before",
    ),
  });
});
