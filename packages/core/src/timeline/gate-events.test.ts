import { expect, test } from "vitest";
import type { GateState } from "../gates/gate.ts";
import { at, rollout } from "../rollout/rollout-builders.ts";
import { gateEvents, type ToldGates } from "./gate-events.ts";

const gate = (state: GateState["state"], sentence = "it is so"): GateState => ({
  gate: "freeze",
  environment: "production",
  state,
  sentence,
  hosts: [],
});
const first = { stage: 0, wave: 0 };

/** What is told, one look after the other. */
function told(...looks: readonly (readonly [GateState, number])[]): readonly string[] {
  let known: ToldGates | undefined;
  return looks.flatMap(([one, wave]) => {
    const tidings = gateEvents(rollout(), { stage: 0, wave }, [one], known, at(0));
    known = tidings.told;
    return tidings.events.map(({ sentence }) => sentence);
  });
}

test("a gate that refuses a wave is told once however long it does, and again when it lets it go", () => {
  const refused = "freeze keeps back shop 2.4.0 (production, wave 1 of 2): it is so";
  expect(told([gate("closed"), 0], [gate("closed", "in other words"), 0])).toEqual([refused]);
  expect(told([gate("closed"), 0], [gate("open"), 0], [gate("closed"), 0])).toEqual([
    refused,
    "freeze lets go shop 2.4.0 (production, wave 1 of 2): it is so",
    refused,
  ]);
});

test("a gate that was open from the beginning is no news", () => {
  expect(told([gate("open"), 0], [gate("open"), 0])).toEqual([]);
});

test("an override is told by itself, not by the gate", () => {
  expect(told([gate("closed"), 0], [gate("overridden"), 0])).toHaveLength(1);
});

test("the same gate before the next wave is told anew", () => {
  expect(told([gate("closed"), 0], [gate("closed"), 1])).toEqual([
    expect.stringContaining("wave 1 of 2"),
    expect.stringContaining("wave 2 of 2"),
  ]);
});

test("what is kept is the very same object as long as nothing is to be told, so that nothing is written", () => {
  const { told: known } = gateEvents(rollout(), first, [gate("open")], undefined, at(0));
  expect(gateEvents(rollout(), first, [gate("open")], known, at(1)).told).toBe(known);
});
