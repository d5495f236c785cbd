import { expect, test } from "vitest";
import type { RebootTurn } from "../reboots/plan-turn.ts";
import { minutes } from "../units/time.ts";
import { applyVerb } from "./apply-verb.ts";
import { describeStep } from "./describe-rollout.ts";
import type { Rollout } from "./rollout.ts";
import { at, rollout, stage, type World, world } from "./rollout-builders.ts";
import { rebootStepMs, waveTakesMs } from "./timings.ts";

const unchanged = (host: string) => ({ host, units: [{ unit: "site:shop", from: "v2", to: "v2" }] as const });
const reboot: Rollout = rollout({
  kind: "reboot",
  title: "reboot of web-1 and web-2",
  stages: [{ ...stage("production", []), waves: [[unchanged("web-1"), unchanged("web-2")]] }],
});
const away: RebootTurn = { kind: "away", missing: ["web-1 does not report"], until: at(minutes(15)) };
const back: RebootTurn = { kind: "back", awayMs: minutes(2) };

function turns(scene: World, reboots: Readonly<Record<string, RebootTurn>>) {
  scene.input = { ...scene.input, reboots };
  return scene.settle();
}

const kinds = ({ state }: World) => Object.values(state.steps).map(({ kind }) => kind);

test("hosts have their turns one after another, and the wave is looked at when all are back", () => {
  const scene = world(reboot);
  const begun = turns(scene, { "web-1": { kind: "waiting", sentence: "1 request is left on web-1" } });
  expect(kinds(scene)).toEqual(["activating", "pending"]);
  expect(begun.waitingOn.map(({ sentence }) => sentence)).toEqual([
    "1 request is left on web-1",
    "web-2 waits for its turn after web-1 (at most 1 at a time)",
  ]);
  const [waiting] = turns(scene, { "web-1": away }).waitingOn;
  expect(waiting).toMatchObject({ kind: "reboot", sentence: "web-1 reboots, 15m left: web-1 does not report" });
  turns(scene, { "web-1": back });
  expect(kinds(scene)).toEqual(["provisional", "activating"]);
  turns(scene, { "web-2": back });
  expect(scene.state.phase).toBe("observing");
  scene.pass(minutes(1));
  scene.settle();
  expect(scene.state.phase).toBe("completed");
  expect(scene.state.steps["web-1"]).toMatchObject({ kind: "passed", awayMs: minutes(2) });
});

test.each<[string, RebootTurn, string]>([
  [
    "stays away",
    { ...away, until: at(0) },
    "web-1: did not come back proven and healthy within 15m: web-1 does not report",
  ],
  [
    "refuses",
    { kind: "refused", sentence: "the reboot command exited with code 1" },
    "web-1: the reboot command exited with code 1",
  ],
])(
  "a host that %s stops the rollout and calls somebody; no other host is let go and nothing goes back",
  (_, turn, sentence) => {
    const scene = world(reboot);
    scene.plan();
    turns(scene, { "web-1": turn });
    expect(scene.state).toMatchObject({ phase: "held", cause: { kind: "step-failed", sentence } });
    expect(kinds(scene)).toEqual(["failed", "pending"]);
    expect(scene.actions).toEqual([
      { kind: "page", sentence: `reboot of web-1 and web-2 (rollout r-1) halted: ${sentence}` },
    ]);
    expect(describeStep(scene.state.steps["web-1"] ?? { kind: "pending" })).toBe(sentence.slice("web-1: ".length));
  },
);

test("a rollout that is aborted waits for the host that is away, and calls somebody when that stays away", () => {
  const scene = world(reboot);
  scene.plan();
  turns(scene, { "web-1": away });
  const outcome = applyVerb(scene.input, "abort", {
    by: "ada",
    reason: "enough",
    now: scene.input.now,
    mayOverride: false,
  });
  if (!("state" in outcome)) throw new Error("refused");
  scene.input = { ...scene.input, state: outcome.state };
  expect(scene.settle().waitingOn).toMatchObject([{ kind: "withdrawal", hosts: ["web-1"] }]);
  scene.pass(minutes(15));
  expect(scene.settle().waitingOn).toEqual([]);
  expect(scene.actions.map((action) => "sentence" in action && action.sentence)).toEqual([
    "reboot of web-1 and web-2 (rollout r-1) was ended, and web-1 did not come back proven and healthy within 15m: web-1 does not report",
  ]);
});

test("a reboot waits for the gates of its environment like any other rollout", () => {
  const [production] = reboot.stages;
  if (production === undefined) throw new Error("no stage");
  const gates = {
    ...production.gates,
    approval: [{ role: "release-manager", count: 1 }],
    attendedWithinMs: minutes(15),
    monitoring: true,
  };
  const scene = world({ ...reboot, stages: [{ ...production, gates }] });
  const when = { kind: "once", from: at(0), to: at(minutes(60)), zone: "UTC" } as const;
  const freeze = { name: "audit", reason: "auditors", owner: "eve", when, environments: [], sites: [] };
  const unheard = [{ host: "web-1", sentence: "shop.internal via proxy on web-1 has not been heard of" }];
  const haltAll = { by: "ada", reason: "smoke", at: at(0) };
  scene.input = { ...scene.input, gates: { freezes: [freeze], mutes: [], unrepresented: [], unheard, haltAll } };
  expect(scene.settle().waitingOn.map(({ kind }) => kind)).toEqual([
    ...["halt-all", "freeze", "approval", "attended", "monitoring"],
  ]);
  expect(kinds(scene)).toEqual(["pending", "pending"]);
});

test("a host that waits for its turn for longer than its wave may take gives it back, and users come to it again", () => {
  const scene = world(reboot);
  const waiting = { "web-1": { kind: "waiting", sentence: "mail-1 did not come back" } } as const;
  turns(scene, waiting);
  scene.pass(minutes(60));
  turns(scene, waiting);
  expect(scene.state).toMatchObject({ phase: "held", cause: { kind: "deadline" } });
  expect(kinds(scene)).toEqual(["reverted", "pending"]);
});

test("a wave of reboots needs time for each of its hosts, and none for a way back", () => {
  const [production] = reboot.stages;
  if (production === undefined) throw new Error("no stage");
  const { soakMs, maxWaitMs } = production.gates;
  const timed = { ...reboot, stages: [{ ...production, stepTimeoutMs: rebootStepMs }] };
  expect(waveTakesMs(timed, { stage: 0, wave: 0 })).toBe(2 * rebootStepMs + soakMs + maxWaitMs);
});

test("a rollout that is paused keeps up with the host that is away, and lets no other one go", () => {
  const scene = world(reboot);
  scene.plan();
  turns(scene, { "web-1": away });
  const outcome = applyVerb(scene.input, "pause", {
    by: "ada",
    reason: "lunch",
    now: scene.input.now,
    mayOverride: false,
  });
  if (!("state" in outcome)) throw new Error("refused");
  scene.input = { ...scene.input, state: outcome.state };
  turns(scene, { "web-1": back });
  expect(kinds(scene)).toEqual(["provisional", "pending"]);
});
