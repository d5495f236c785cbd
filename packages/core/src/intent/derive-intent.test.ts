import { expect, test } from "vitest";
import { planRollout } from "../rollout/plan-rollout.ts";
import type { RolloutState, StepState } from "../rollout/rollout.ts";
import { at, live, rollout, world } from "../rollout/rollout-builders.ts";
import { seconds } from "../units/time.ts";
import { deriveIntentBody, type IntentInput } from "./derive-intent.ts";
import type { UnitRelease } from "./intent.ts";

const release = (digest: string): UnitRelease => ({
  unit: "site:shop",
  version: digest,
  digest,
  content: {
    site: "shop",
    run: { driver: "process", command: [], env: {} },
    ready: { path: "/", withinMs: seconds(1) },
  },
});

function input(state: RolloutState, more: Partial<IntentInput> = {}): IntentInput {
  return {
    host: "web-1",
    environment: "production",
    unconfirmed: "revert",
    duties: [],
    desired: { "site:shop": "v2" },
    proven: { "site:shop": "v1" },
    holds: {},
    rollouts: [{ rollout: rollout(), state }],
    releaseOf: release,
    ...more,
  };
}

const withStep = (step: StepState): RolloutState => ({
  phase: "held",
  steps: { "web-1": step },
  since: at(0),
  cause: { kind: "operator", sentence: "", evidence: [], at: at(0) },
});

const granted = { grant: "g", since: at(0), confirmBy: at(9) };
const grants: readonly (readonly [StepState, string | undefined])[] = [
  [{ kind: "pending" }, undefined],
  [{ kind: "activating", ...granted }, "activate v2"],
  [{ kind: "provisional", ...granted, switchMs: 1 }, "activate v2"],
  [{ kind: "passed", at: at(0) }, undefined],
  [{ kind: "failed", at: at(0), reason: "", touchedTraffic: false }, undefined],
  [{ kind: "withdrawing", grant: "g", since: at(0) }, undefined],
  [{ kind: "reverting", ...granted }, "revert v1"],
  [{ kind: "reverted", at: at(0) }, undefined],
  [{ kind: "revert-failed", at: at(0), reason: "" }, undefined],
];

test.each(grants)("a step that is %o grants %s", (step, expected) => {
  const { grants: found } = deriveIntentBody(input(withStep(step)));
  expect(found.map(({ kind, units }) => `${kind} ${units[0]?.digest}`)).toEqual(
    expected === undefined ? [] : [expected],
  );
});

test("what is desired is kept on disk and granted by nobody", () => {
  const body = deriveIntentBody(input(withStep({ kind: "pending" })));
  expect(body.grants).toEqual([]);
  expect(body.units[0]).toMatchObject({ desired: "v2", proven: { digest: "v1" } });
  expect(body.units[0]?.hold.map(({ digest }) => digest)).toEqual(["v1", "v2"]);
});

test("a host hears of its own steps only", () => {
  const it = world();
  it.settle();
  expect(deriveIntentBody(input(it.state)).grants).toHaveLength(1);
  expect(deriveIntentBody(input(it.state, { host: "web-2" })).grants).toEqual([]);
});

test("the order in which things are given does not matter", () => {
  const it = world();
  it.settle();
  it.says("web-1", live);
  const state = planRollout(it.input).next;
  const two = [
    { rollout: rollout(), state },
    {
      rollout: rollout({ id: "r-0", kind: "restart" }),
      state: withStep({ kind: "activating", ...granted, grant: "a" }),
    },
  ];
  const one = deriveIntentBody(input(state, { rollouts: two, desired: { front: "f", "site:shop": "v2" } }));
  const other = deriveIntentBody(
    input(state, { rollouts: two.toReversed(), desired: { "site:shop": "v2", front: "f" } }),
  );
  expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  expect(one.grants.map(({ kind }) => kind)).toEqual(["restart", "activate"]);
});

test("a skipped check is written into the grant with its name and reason", () => {
  const override = { check: "probes-before", by: "ada", reason: "no staging name", at: at(0) } as const;
  const rollouts = [
    { rollout: rollout({ overrides: [override] }), state: withStep({ kind: "activating", ...granted }) },
  ];
  const { grants: found } = deriveIntentBody(input(withStep({ kind: "pending" }), { rollouts }));
  expect(found[0]?.probesBefore).toEqual({ kind: "skipped", by: "ada", reason: "no staging name" });
});

test("a release that is not there is an error, not an intent without it", () => {
  expect(() => deriveIntentBody(input(withStep({ kind: "pending" }), { releaseOf: () => undefined }))).toThrow(
    /no release v2|no release v1/,
  );
});

test("a site's policy about drift is named only where it is another one than its host's", () => {
  const said = (more: Partial<IntentInput>) => {
    const { drift, siteDrift } = deriveIntentBody(input(withStep({ kind: "pending" }), more));
    return { drift, siteDrift };
  };
  const both = { siteDrift: { shop: "report", blog: "heal" } } as const;
  expect(said(both)).toEqual({ siteDrift: { shop: "report" } });
  expect(said({ ...both, drift: "report" })).toEqual({ drift: "report", siteDrift: { blog: "heal" } });
  expect(said({ siteDrift: { blog: "heal" } })).toEqual({});
});
