import { Problem } from "@sluice/core";
import type { Freeze, Mute } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";

const freeze: Freeze = {
  name: "audit",
  reason: "the auditors are in",
  owner: "eve",
  environments: ["production"],
  sites: [],
  time: "Mon 2026-11-02 00:00 Europe/Oslo to Fri 2026-11-06 16:00 Europe/Oslo",
  inForce: true,
  untilMs: 61_000 + 3_600_000,
  removable: true,
};

const run = (unary: Parameters<typeof runAgainst>[1]["unary"] & object, ...args: readonly string[]) =>
  runAgainst("/nonexistent", { unary }, args);

test("freeze add sends local times of the zone as instants, and the caller as owner", async () => {
  const { exit, asked, world } = await run(
    { addFreeze: () => ({ freeze }) },
    ...["freeze", "add", "audit", "--from", "2026-11-02", "--to", "2026-11-06 16:00", "--zone", "Europe/Oslo"],
    ...["--environment", "production", "--reason", "the auditors are in"],
  );
  expect(exit).toBe(0);
  expect(asked[0]?.request).toMatchObject({
    name: "audit",
    owner: "anna",
    environments: ["production"],
    fromMs: Date.parse("2026-11-01T23:00Z"),
    toMs: Date.parse("2026-11-06T15:00Z"),
    zone: "Europe/Oslo",
  });
  expect(world.out()).toBe(`freeze audit: ${freeze.time}, in force\n`);
});

test("a freeze may last for a while from now on, in the time zone of this machine", async () => {
  const { asked } = await run(
    { addFreeze: () => ({ freeze }) },
    "freeze",
    "add",
    "audit",
    "--for",
    "2h",
    "--reason",
    "x",
  );
  expect(asked[0]?.request).toMatchObject({ fromMs: undefined, toMs: 61_000 + 7_200_000 });
  expect(asked[0]?.request).not.toMatchObject({ zone: "" });
});

test.each([
  ["no end", ["freeze", "add", "a", "--reason", "x"], "an end is needed, by --to or by --for"],
  ["two ends", ["freeze", "add", "a", "--for", "1h", "--to", "2026-01-01"], "an end is needed, by --to or by --for"],
  ["a time that is none", ["freeze", "add", "a", "--to", "2026-02-30"], "--to '2026-02-30' is no time"],
  ["a zone that is none", ["mute", "add", "a", "--to", "2026-02-03", "--zone", "Oslo"], "there is no time zone 'Oslo'"],
  ["neither all nor clear", ["halt"], "either --all or --clear is needed"],
  ["a gate that is none", ["rollout", "override", "r-1", "gravity"], "'gravity' is invalid for argument 'gate'"],
] as const)("%s is refused before anything is sent", async (_, args, sentence) => {
  const { exit, asked, world } = await run({}, ...args);
  expect([exit, asked]).toEqual([2, []]);
  expect(world.err()).toContain(sentence);
});

test("freezes are listed with what they concern and how long they are in force", async () => {
  const later = { ...freeze, name: "christmas", inForce: false, untilMs: undefined, environments: [] };
  const { world } = await run({ listFreezes: () => ({ freezes: [freeze, later] }) }, "freeze", "list");
  const [head, first, second] = world.out().split("\n");
  expect(head).toMatch(/^NAME +STATE +TIME +FOR +OWNER +REASON$/);
  expect(first).toMatch(/^audit +in force, 1h left .* production +eve +the auditors are in$/);
  expect(second).toMatch(/^christmas +not now .* everything /);
});

test("a freeze that a person may not end, and a halt that stands, end with exit code 7", async () => {
  const refuse = (): never => {
    throw new Problem("verb-refused", "cannot remove freeze 'weekend': the fleet file has it");
  };
  expect((await run({ removeFreeze: refuse }, "freeze", "remove", "weekend", "--reason", "x")).exit).toBe(7);
  expect((await run({ deploy: refuse }, "deploy", "shop", "2")).exit).toBe(7);
});

test("mutes are added with an end and listed with their owner", async () => {
  const mute: Mute = {
    name: "patching",
    reason: "noise",
    owner: "ops",
    by: "anna",
    sites: [],
    fromMs: 0,
    toMs: 61_000 + 60_000,
  };
  const added = await run(
    { addMute: () => ({ mute }) },
    ...["mute", "add", "patching", "--for", "1m", "--owner", "ops", "--reason", "noise"],
  );
  expect(added.asked[0]?.request).toMatchObject({ name: "patching", owner: "ops", toMs: 121_000 });
  expect(added.world.out()).toBe("mute patching ends in 1m; checks go on\n");
  const { world } = await run({ listMutes: () => ({ mutes: [mute] }) }, "mute", "list");
  expect(world.out().split("\n")[1]).toMatch(/^patching +1m left +everything +ops +noise$/);
});

test("halt --all says how many rollouts it holds and how it is lifted, --clear how many go on", async () => {
  const halted = await run({ haltAll: () => ({ pausedRolloutIds: ["r-1"] }) }, "halt", "--all", "--reason", "smoke");
  expect(halted.asked[0]?.request).toEqual({ reason: "smoke" });
  expect(halted.world.out()).toBe("everything is halted, 1 rollout held; lift it: sluice halt --clear\n");
  const cleared = await run({ clearHalt: () => ({ resumedRolloutIds: ["r-1", "r-2"] }) }, "halt", "--clear");
  expect(cleared.world.out()).toBe("the halt is lifted; 2 rollouts resumed\n");
});

test("override names the gate and the reason", async () => {
  const { asked, world } = await run(
    { overrideGate: () => ({ rollout: rolloutOf() }) },
    ...["rollout", "override", "r-1", "window", "--reason", "the shop is down"],
  );
  expect(asked[0]?.request).toEqual({ id: "r-1", gate: "window", reason: "the shop is down" });
  expect(world.out()).toContain("r-1: the gate window is overridden");
});

test("gates that a deploy opens travel with its reason, and not without one", async () => {
  const args = ["deploy", "shop", "2", "--override", "window", "freeze"];
  const sent = await run({ deploy: () => ({}) as never }, ...args, "--reason", "the shop is down");
  expect(sent.asked[0]?.request).toMatchObject({
    overrides: [
      { check: "window", reason: "the shop is down" },
      { check: "freeze", reason: "the shop is down" },
    ],
  });
  const refused = await run({}, ...args);
  expect([refused.exit, refused.asked]).toEqual([2, []]);
});

test("rollout show lists every gate with its state, when it opens, and what was overridden", async () => {
  const gate = { environment: "production", hosts: [], opensAtMs: undefined };
  const waiting = rolloutOf({
    phase: "waiting-for-gates",
    statusLine: "waiting for the gates of wave 1 of 1 in production; production is changed mon-thu",
    waitingOn: [
      { kind: "window", sentence: "production is changed mon-thu", hosts: [], details: [], untilMs: 121_000 },
    ],
    gates: [
      { ...gate, gate: "window", state: "closed", sentence: "production is changed mon-thu", opensAtMs: 121_000 },
      { ...gate, gate: "coverage", state: "open", sentence: "all of acceptance has passed" },
    ],
    overrides: [
      { check: "freeze", by: "eve", reason: "the shop is down", atMs: 1, environment: "production", wave: 0 },
    ],
  });
  const { world } = await run({ getRollout: () => ({ rollout: waiting }) }, "rollout", "show", "r-1");
  const lines = world.out().split("\n");
  expect(lines).toContain("  gate window: closed, opens 1m from now: production is changed mon-thu");
  expect(lines).toContain("  gate coverage: open: all of acceptance has passed");
  expect(lines).toContain("  overridden: freeze in production, wave 1, by eve: the shop is down");
  expect(lines.filter((line) => line.includes("production is changed"))).toHaveLength(1);
});
