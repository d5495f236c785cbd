import { expect, test } from "vitest";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;

test("a release goes through both environments wave by wave and is proven everywhere", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  expect(await operator.apply(fleetText())).toMatchObject({ problems: [], rolloutIds: [] });
  const agents = hosts.map((host) => rig.agent(host));
  const id = await operator.deploy("shop", "1.0.0");
  const ended = await operator.untilPhase(id, "completed");
  expect(
    ended.stages.map(({ waves }) => waves.map(({ steps }) => steps.map(({ host, state }) => [host, state]))),
  ).toEqual([[[["at-1", "passed"]]], [[["web-1", "passed"]], [["web-2", "passed"]]]]);
  await eventually(() => agents.map((agent) => agent.intent?.body.grants.length)).toEqual([0, 0, 0]);
  const kinds = (await operator.events()).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind.startsWith("rollout."))).toEqual([
    "rollout.started",
    ...["rollout.activating", "rollout.observing", "rollout.waiting-for-gates"],
    ...["rollout.activating", "rollout.observing", "rollout.waiting-for-gates"],
    ...["rollout.activating", "rollout.observing", "rollout.completed"],
  ]);
});
