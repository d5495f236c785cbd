import { expect, test } from "vitest";
import { at, live, regressed, rollout, world } from "../rollout/rollout-builders.ts";
import { rolloutEvents, startEvents } from "./rollout-events.ts";
import { haltedHistory, tellUntilRest } from "./timeline-builders.ts";

const kinds = (events: readonly { readonly kind: string }[]) => events.map(({ kind }) => kind);

test("every phase and every host of a rollout that halts is told once, in order", () => {
  expect(kinds(haltedHistory(world()))).toEqual([
    "rollout.started",
    "rollout.activating",
    "step.activating",
    "rollout.observing",
    "step.provisional",
    "rollout.waiting-for-gates",
    "step.passed",
    "rollout.activating",
    "step.activating",
    "rollout.halted",
    "step.failed",
    "page.raised",
    "rollout.reverting",
    "step.reverting",
    "rollout.reverted",
    "step.reverted",
  ]);
});

test("a halt by health carries every sentence of the verdict", () => {
  const bad = world(rollout(), regressed);
  tellUntilRest(bad);
  bad.pass(1000);
  bad.says("web-1", live);
  const halted = tellUntilRest(bad).find(({ kind }) => kind === "rollout.halted");
  expect(halted).toMatchObject({
    sentence: "shop 2.4.0 is halted: www.shop.example via edge on web-1: 3 failures in a row",
    details: {
      from: "activating",
      to: "halted",
      cause: { kind: "regressed", evidence: ["www.shop.example via edge on web-1: 3 failures in a row"] },
    },
  });
});

test("a wave that passes tells what was known when it did, and one that starts tells what held its gates open", () => {
  const good = world();
  const [started] = tellUntilRest(good);
  expect(started).toMatchObject({
    kind: "rollout.activating",
    details: { gates: [{ gate: "freeze", state: "open" }] },
  });
  good.says("web-1", live);
  tellUntilRest(good);
  good.pass(31_000);
  const passed = tellUntilRest(good).find(({ kind }) => kind === "rollout.waiting-for-gates");
  expect(passed).toMatchObject({ details: { from: "observing", evidence: ["everything answers"] } });
});

test("a decision that moves nothing visible is an entry of the log all the same", () => {
  const { input } = world();
  const plan = { next: input.state, actions: [], waitingOn: [] };
  expect(kinds(rolloutEvents(input, plan))).toEqual(["rollout.ended"]);
  const later = { ...plan, next: { ...input.state, since: at(1) } };
  expect(kinds(rolloutEvents(input, later))).toEqual(["rollout.prolonged"]);
});

test("checks that are off from the beginning are events of their own, with who and why", () => {
  const override = { check: "window", by: "ada", reason: "the shop is down", at: at(0) } as const;
  expect(startEvents(rollout({ reason: "hotfix", overrides: [override] }), at(0))).toMatchObject([
    { sentence: "ada started shop 2.4.0: hotfix", details: { sites: ["shop"], hosts: ["web-1", "web-2", "web-3"] } },
    { kind: "rollout.check-overridden", by: "ada", sentence: "ada overrides window for shop 2.4.0: the shop is down" },
  ]);
});
