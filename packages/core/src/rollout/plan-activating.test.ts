import { expect, test } from "vitest";
import { at, rollout, stage, world } from "./rollout-builders.ts";

const oneAtATime = rollout({ stages: [stage("production", [["web-1", "web-2", "web-3"]], { maxUnavailable: 1 })] });

const kinds = ({ state }: ReturnType<typeof world>): readonly string[] =>
  Object.values(state.steps).map(({ kind }) => kind);

test("a host on which something else was proven since the rollout was planned stops it before it is touched", () => {
  const it = world(oneAtATime);
  it.plan();
  it.input = { ...it.input, proven: { "web-1/site:shop": "v1", "web-2/site:shop": "v1", "web-3/site:shop": "v7" } };
  it.plan();
  expect(it.state).toMatchObject({
    phase: "halted",
    cause: {
      kind: "outdated",
      sentence: "site:shop on web-3 has been changed since this rollout was planned; start it again",
    },
  });
  expect(kinds(it)).toEqual(["pending", "pending", "pending"]);
});

test("a host that gives its grant back takes up room until it is back", () => {
  const it = world(oneAtATime);
  it.plan();
  const back = { kind: "withdrawing", grant: "r-0/web-1/activate", since: at(0) } as const;
  const { state } = it;
  it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": { connected: true } }, state: withStep(state, back) };
  const plan = it.settle();
  expect(kinds(it)).toEqual(["withdrawing", "pending", "pending"]);
  expect(plan.waitingOn[0]?.sentence).toBe("web-2 waits for its turn after web-1 (at most 1 at a time)");
});

const withStep = (state: ReturnType<typeof world>["state"], step: object): ReturnType<typeof world>["state"] =>
  ({ ...state, steps: { ...state.steps, "web-1": step } }) as typeof state;

test("a coordinator that takes itself for blind grants nothing, and says why", () => {
  const it = world(oneAtATime);
  it.plan();
  it.input = { ...it.input, fleet: { hosts: 10, silent: 5 } };
  const plan = it.settle();
  expect(kinds(it).filter((kind) => kind !== "pending")).toEqual([]);
  expect(plan.waitingOn[0]?.kind).toBe("blind");
});
