import { expect, test } from "vitest";
import { minutes, seconds } from "../units/time.ts";
import { applyVerb } from "./apply-verb.ts";
import type { Stage } from "./rollout.ts";
import {
  at,
  broken,
  healthy,
  inconclusive,
  live,
  pass,
  regressed,
  rollout,
  stage,
  type World,
  world,
} from "./rollout-builders.ts";

const gates = { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5) };
const badHere = "production/site:shop/v1";
const badBelow = "acceptance/site:shop/v1";

/** `hosts` of one wave that passed, and one more that is on trial. */
function afterWave(hosts: readonly string[], more: Partial<Stage> = {}): World {
  const it = world(rollout({ stages: [stage("production", [hosts, ["last"]], { gates, ...more })] }));
  for (const [index, host] of [...hosts, "last"].entries()) {
    it.settle();
    if (index === hosts.length) it.pass(30_000);
    it.settle();
    it.says(host, live);
  }
  it.settle();
  expect(it.state).toMatchObject({ phase: "observing", at: { wave: 1 } });
  return it;
}

function knows(it: World, badReleases: Readonly<Record<string, string>>): World {
  it.input = { ...it.input, badReleases };
  return it;
}

function regress(it: World): void {
  it.input = { ...it.input, verdict: regressed };
  it.settle();
}

const verdicts = (it: World) => it.actions.flatMap((action) => (action.kind === "record-verdict" ? [action] : []));
const pages = (it: World) => it.actions.flatMap((action) => (action.kind === "page" ? [action.sentence] : []));
const kindsOf = (it: World) => Object.entries(it.state.steps).map(([host, { kind }]) => `${host} ${kind}`);

/** The withdrawn host is back on what ran before. */
function givesBack(it: World, host: string): void {
  it.input = { ...it.input, hosts: { ...it.input.hosts, [host]: healthy(host, [], "v1") } };
}

test("a release that regresses is bad where it is on trial, and not in the environment that it passed", () => {
  const it = world(
    rollout({ stages: [stage("acceptance", [["at-1"]], { gates }), stage("production", [["web-1"]], { gates })] }),
  );
  for (const host of ["at-1", "web-1"]) {
    it.settle();
    it.says(host, live);
    it.settle();
    if (host === "at-1") it.pass(30_000);
  }
  regress(it);
  expect(verdicts(it)).toEqual([
    {
      kind: "record-verdict",
      environment: "production",
      verdict: "bad",
      units: [{ unit: "site:shop", digest: "v2" }],
      sentence: "shop 2.4.0 regressed there: www.shop.example via edge on web-1: 3 failures in a row",
    },
  ]);
});

test("nobody is sent back to what has no good verdict there: it is held, and somebody is called and told why", () => {
  const it = knows(afterWave(["web-1"]), { [badHere]: "shop 2.3.0 regressed there" });
  regress(it);
  expect(it.state.phase).toBe("held");
  expect(kindsOf(it)).toEqual(["web-1 passed", "last provisional"]);
  expect(pages(it).at(-1)).toContain(
    "is not taken back, because what ran before on web-1 and last has no good verdict there (shop 2.3.0 regressed there)",
  );
  expect(it.plan().waitingOn[0]?.sentence).toContain("keep it, or revert it all the same");
});

test("what is bad in another environment is nothing to this one", () => {
  const it = knows(afterWave(["web-1"]), { [badBelow]: "shop 2.3.0 regressed there" });
  regress(it);
  expect(it.state.phase).toBe("reverting");
});

test("a person who may override sends hosts back to it all the same", () => {
  const it = knows(afterWave(["web-1"]), { [badHere]: "shop 2.3.0 regressed there" });
  regress(it);
  const context = { by: "eve", now: it.input.now, reason: "slow is better than broken" };
  expect(applyVerb(it.input, "revert", context)).toMatchObject({ refusal: { reason: "role-missing" } });
  const outcome = applyVerb(it.input, "revert", { ...context, mayOverride: true });
  expect(outcome).toMatchObject({ state: { phase: "reverting", steps: { last: { kind: "withdrawing" } } } });
});

test("what passes by its evidence where it was bad is good again, and what is promoted without evidence is not", () => {
  const wasBad = { "production/site:shop/v2": "shop 2.4.0 was kept by ada: no time" };
  const good = knows(world(rollout({ stages: [stage("production", [["web-1"]], { gates })] }), pass), wasBad);
  const vouched = knows(
    world(rollout({ stages: [stage("production", [["web-1"]], { gates })] }), inconclusive),
    wasBad,
  );
  for (const it of [good, vouched]) {
    it.settle();
    it.says("web-1", live);
    it.settle();
  }
  good.pass(30_000);
  good.settle();
  expect(verdicts(good)).toMatchObject([{ verdict: "good", environment: "production" }]);
  const promoted = applyVerb(vouched.input, "promote", { by: "ada", now: vouched.input.now, reason: "hurry" });
  if ("refusal" in promoted) throw new Error(promoted.refusal.sentence);
  vouched.input = { ...vouched.input, state: promoted.state };
  vouched.settle();
  expect(vouched.state.phase).toBe("completed");
  expect(verdicts(vouched)).toEqual([]);
});

test.each([
  [undefined, 2],
  [1, 1],
  [3, 3],
])(
  "with maxReverting %s and one unavailable at most, %i hosts that passed go back at a time",
  (maxReverting, atOnce) => {
    const it = afterWave(["web-1", "web-2", "web-3"], maxReverting === undefined ? {} : { maxReverting });
    regress(it);
    givesBack(it, "last");
    it.settle();
    expect(kindsOf(it).filter((words) => words.endsWith(" reverting"))).toHaveLength(atOnce);
  },
);

test("a revert that fails on one host sends back no further one, says of every host what it runs, and calls somebody", () => {
  const it = afterWave(["web-1", "web-2"], { maxReverting: 1 });
  regress(it);
  givesBack(it, "last");
  it.settle();
  it.says("web-1", broken);
  it.settle();
  expect(it.state.phase).toBe("held");
  expect(kindsOf(it)).toEqual(["web-1 revert-failed", "web-2 passed", "last reverted"]);
  expect(pages(it).at(-1)).toBe(
    "shop 2.4.0 (rollout r-1) could not go back everywhere; now web-1: cannot go back: exited with code 1 on start; web-2: live and proven; last: back on what ran before; nothing goes back any more: mend the hosts, then sluice rollout abort r-1 and deploy what they are to run",
  );
  const again = applyVerb(it.input, "revert", {
    by: "eve",
    now: at(120_000),
    mayOverride: true,
    reason: "disk is free",
  });
  if ("refusal" in again) throw new Error(again.refusal.sentence);
  it.input = { ...it.input, now: at(120_000), state: again.state };
  it.settle();
  expect(it.state.steps["web-2"]?.kind).toBe("reverting");
});
