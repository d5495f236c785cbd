import { durationMs } from "@sluice/core";
import { expect, test } from "vitest";
import { type CoordinatorRig, type FleetShape, fleetText, startRig } from "./testing/coordinator-rig.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;

/** A coordinator whose fleet has these gates, with agents that do as they are told. */
async function gatedRig(shape: FleetShape): Promise<CoordinatorRig> {
  // A pause of a busy machine is no silence of its hosts, which would shut the gate of monitoring for a moment.
  const rig = await startRig({ probeEveryMs: durationMs(1000), heartbeatMs: durationMs(1000) });
  await rig.operator.apply(fleetText(shape));
  for (const host of hosts) rig.agent(host);
  return rig;
}

const waitsFor = (kind: string) => (rollout: { readonly waitingOn: readonly { readonly kind: string }[] }) =>
  rollout.waitingOn.some((waiting) => waiting.kind === kind);

const override = ({ operator }: CoordinatorRig, id: string, gate: string, reason: string) =>
  operator.ask((client) => client.overrideGate, { id, gate, reason });

const haltAll = ({ operator }: CoordinatorRig, reason: string) => operator.ask((client) => client.haltAll, { reason });

const inAnHour = (): number => Date.now() + 3_600_000;

/** A window that is over for this week, by the clocks of UTC. */
function windowOfAnotherDay(): string {
  const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  const day = days[(new Date().getUTCDay() + 3) % 7];
  return `window: { days: ${day}, hours: "09:00-15:00", zone: UTC }`;
}

test("plan tells which kinds of bindings acceptance says nothing about, and a rollout waits there until somebody overrides it", async () => {
  await using rig = await gatedRig({ internalOnly: true });
  const { operator } = rig;
  const sentence =
    "production has 1 public binding of shop in clear text with an edge, acceptance has 0 public bindings";
  expect((await operator.plan(fleetText({ internalOnly: true }))).gates).toEqual([
    `production is closed by representativeness: ${sentence}`,
  ]);
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, waitsFor("representativeness"));
  expect(waiting).toMatchObject({ phase: "waiting-for-gates", currentStage: 1 });
  expect(waiting.gates.find(({ gate }) => gate === "representativeness")).toMatchObject({ state: "closed", sentence });
  await expect(override(rig, id, "representativeness", " ")).rejects.toMatchObject({ reason: "reason-missing" });
  await expect(override(rig, id, "gravity", "why not")).rejects.toMatchObject({ reason: "usage-invalid" });
  await override(rig, id, "representativeness", "acceptance gets its name next week");
  const ended = await operator.untilPhase(id, "completed");
  expect(ended.overrides).toMatchObject([
    { check: "representativeness", by: "ada", reason: "acceptance gets its name next week", environment: "production" },
  ]);
  expect((await operator.events()).map(({ kind }) => kind)).toContain("rollout.gate-overridden");
});

test("mending the fleet file opens the gate of a rollout that waits", async () => {
  await using rig = await gatedRig({ internalOnly: true });
  const id = await rig.operator.deploy("shop", "1.0.0");
  await rig.operator.until(id, waitsFor("representativeness"));
  // Acceptance is served already, so that its new name is brought there by a rollout of its own.
  const refused = rig.operator.apply(fleetText());
  await expect(refused).rejects.toMatchObject({ reason: "unit-busy" });
  await rig.operator.command(id, "abort", { reason: "the file comes first" });
  const { rolloutIds, gates } = await rig.operator.apply(fleetText());
  expect(gates).toEqual([]);
  await rig.operator.untilPhase(rolloutIds[0] ?? "", "completed");
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
});

test("a window that is closed is waited for with its opening, and an override lets one wave through", async () => {
  await using rig = await gatedRig({ gates: windowOfAnotherDay() });
  const { operator } = rig;
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, waitsFor("window"));
  const gate = waiting.gates.find((one) => one.gate === "window");
  expect(gate).toMatchObject({ environment: "production", state: "closed" });
  expect(gate?.opensAtMs).toBeGreaterThan(Date.now());
  await override(rig, id, "window", "the shop is down");
  const second = await operator.until(id, (rollout) => waitsFor("window")(rollout) && rollout.currentWave === 1);
  expect(second.overrides).toMatchObject([{ check: "window", environment: "production", wave: 0 }]);
});

test("a deploy may open gates for all its waves, by somebody whose role allows it", async () => {
  await using rig = await gatedRig({ gates: windowOfAnotherDay() });
  const { rolloutId } = await rig.operator.ask((client) => client.deploy, {
    site: "shop",
    version: "1.0.0",
    overrides: [{ check: "window", reason: "the shop is down" }],
  });
  const ended = await rig.operator.untilPhase(rolloutId ?? "", "completed");
  expect(ended.overrides).toMatchObject([{ check: "window", by: "ada", reason: "the shop is down" }]);
});

test("a freeze keeps the next wave from starting, its removal lets it go on, and a restart in between tells nothing twice", async () => {
  await using rig = await gatedRig({});
  const { operator } = rig;
  const freeze = {
    name: "audit",
    reason: "the auditors are in",
    owner: "eve",
    environments: ["production"],
    sites: [],
  };
  const added = await operator.ask((client) => client.addFreeze, { ...freeze, toMs: inAnHour(), zone: "Europe/Oslo" });
  expect(added.freeze).toMatchObject({ name: "audit", inForce: true, removable: true });
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, waitsFor("freeze"));
  expect(waiting.currentStage).toBe(1);
  expect(waiting.waitingOn[0]).toMatchObject({
    sentence: "production is frozen by 'audit' (eve): the auditors are in",
    untilMs: added.freeze?.untilMs,
  });
  await expect(
    operator.ask((client) => client.addFreeze, { ...freeze, toMs: inAnHour(), zone: "Europe/Oslo" }),
  ).rejects.toMatchObject({ reason: "order-conflict" });
  await rig.restart();
  await rig.operator.ask((client) => client.removeFreeze, { name: "audit", reason: "they left" });
  await rig.operator.untilPhase(id, "completed");
  const told = (await rig.operator.events()).filter(({ kind }) => /^(freeze|gate|coordinator)\./.test(kind));
  expect(told.map(({ kind }) => kind)).toEqual([
    "coordinator.started",
    "freeze.added",
    "gate.refused",
    "coordinator.started",
    "freeze.removed",
    "gate.opened",
  ]);
  expect(told[2]?.sentence).toBe(
    "freeze keeps back shop 1.0.0 (production, wave 1 of 2): production is frozen by 'audit' (eve): the auditors are in",
  );
});

test("a freeze of the fleet file is listed with the others and can't be removed by command", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  const freezes =
    "freezes: [{ name: weekend, weekly: { days: mon-sun }, zone: UTC, owner: ops, reason: never, environments: [production] }]";
  await operator.apply(`${fleetText()}${freezes}\n`);
  const listed = await operator.ask((client) => client.listFreezes, {});
  expect(listed.freezes).toMatchObject([
    { name: "weekend", inForce: true, removable: false, environments: ["production"] },
  ]);
  const removed = operator.ask((client) => client.removeFreeze, { name: "weekend", reason: "hurry" });
  await expect(removed).rejects.toMatchObject({ reason: "verb-refused" });
});

test.each([
  ["an end in the past", { toMs: 1 }],
  ["no reason", { reason: " " }],
  ["nobody who answers for it", { owner: "" }],
  ["a site that is not there", { sites: ["shoop"] }],
  ["a zone that is not there", { zone: "Middle/Earth" }],
] as const)("a freeze with %s is refused and not kept", async (_, wrong) => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const right = {
    name: "audit",
    reason: "audit",
    owner: "eve",
    environments: [],
    sites: [],
    toMs: inAnHour(),
    zone: "UTC",
  };
  await expect(rig.operator.ask((client) => client.addFreeze, { ...right, ...wrong } as never)).rejects.toThrow();
  expect((await rig.operator.ask((client) => client.listFreezes, {})).freezes).toEqual([]);
});

test("two different people have to approve where the file says so", async () => {
  await using rig = await gatedRig({ gates: "approval: [{ role: release-manager, count: 2 }]" });
  const { operator } = rig;
  const id = await operator.deploy("shop", "1.0.0");
  await operator.until(id, waitsFor("approval"));
  await operator.command(id, "approve", { role: "release-manager" });
  await expect(operator.command(id, "approve", { role: "release-manager" })).rejects.toMatchObject({
    reason: "role-missing",
  });
  operator.metadata.set("sluice-user", "bob");
  await operator.command(id, "approve", { role: "release-manager" });
  await operator.untilPhase(id, "completed");
});

test("an attended environment starts once somebody on call acknowledged it", async () => {
  await using rig = await gatedRig({ gates: "attended: true" });
  const { operator } = rig;
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, waitsFor("attended"));
  expect(waiting.waitingOn[0]?.sentence).toContain(`sluice ack ${id}`);
  await operator.command(id, "ack");
  await operator.untilPhase(id, "completed");
  expect((await operator.events()).map(({ kind }) => kind)).toContain("operator.ack");
});

test("a mute has an end and somebody who answers for it, is listed while it lasts, and keeps no wave", async () => {
  await using rig = await gatedRig({});
  const { operator } = rig;
  const mute = { name: "noise", reason: "patching", owner: "ops", sites: [], toMs: inAnHour() };
  await expect(operator.ask((client) => client.addMute, { ...mute, toMs: 1 })).rejects.toThrow("ends before it begins");
  await expect(operator.ask((client) => client.addMute, { ...mute, owner: "" })).rejects.toThrow("answer for it");
  await operator.ask((client) => client.addMute, mute);
  expect((await operator.ask((client) => client.listMutes, {})).mutes).toMatchObject([{ name: "noise", owner: "ops" }]);
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  await operator.ask((client) => client.removeMute, { name: "noise" });
  expect((await operator.ask((client) => client.listMutes, {})).mutes).toEqual([]);
  const kinds = (await operator.events()).map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(["mute.added", "mute.removed"]));
});

test("hosts that serve already are touched again once their probes report", async () => {
  await using rig = await gatedRig({});
  const { operator } = rig;
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  const { rolloutIds } = await operator.ask((client) => client.restart, { site: "shop", proxies: false });
  await operator.untilPhase(rolloutIds[0] ?? "", "completed");
});

test("a halt of everything holds what goes forwards, refuses what is new, and goes on when it is lifted", async () => {
  await using rig = await gatedRig({ gates: "attended: true" });
  const { operator } = rig;
  const id = await operator.deploy("shop", "1.0.0");
  await operator.until(id, waitsFor("attended"));
  await expect(haltAll(rig, "")).rejects.toMatchObject({ reason: "reason-missing" });
  expect((await haltAll(rig, "smoke in the hall")).pausedRolloutIds).toEqual([id]);
  expect((await operator.rollout(id)).phase).toBe("paused");
  await expect(operator.command(id, "resume")).rejects.toMatchObject({ reason: "verb-refused" });
  await expect(operator.deploy("shop", "2.0.0")).rejects.toThrow("everything was halted by ada: smoke in the hall");
  expect((await operator.status()).remarks).toEqual([
    "everything was halted by ada: smoke in the hall; lift it: sluice halt --clear",
  ]);
  await rig.restart();
  expect((await rig.operator.status()).remarks[0]).toContain("smoke in the hall");
  const cleared = await rig.operator.ask((client) => client.clearHalt, {});
  expect(cleared.resumedRolloutIds).toEqual([id]);
  await rig.operator.command(id, "ack");
  await rig.operator.untilPhase(id, "completed");
  const kinds = (await rig.operator.events()).map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(["fleet.halted", "rollout.paused", "fleet.halt-cleared"]));
});

test("a halt of everything leaves what somebody paused before to that somebody, and lets what goes back go on", async () => {
  await using rig = await gatedRig({ gates: "attended: true" });
  const { operator } = rig;
  const id = await operator.deploy("shop", "1.0.0");
  await operator.until(id, waitsFor("attended"));
  await operator.command(id, "pause", { reason: "lunch" });
  expect((await haltAll(rig, "smoke")).pausedRolloutIds).toEqual([]);
  await operator.command(id, "revert", { reason: "enough" });
  await operator.untilPhase(id, "reverted");
  expect((await operator.ask((client) => client.clearHalt, {})).resumedRolloutIds).toEqual([]);
});

test("the log tells what held each gate open when a wave began", async () => {
  await using rig = await gatedRig({});
  const id = await rig.operator.deploy("shop", "1.0.0");
  await rig.operator.untilPhase(id, "completed");
  const [, begun] = (await rig.operator.events()).filter(({ kind }) => kind === "rollout.activating");
  const gates = (JSON.parse(begun?.details ?? "{}") as { gates?: { gate: string; state: string }[] }).gates ?? [];
  expect(gates.map(({ gate, state }) => `${gate} ${state}`)).toEqual([
    "freeze open",
    "representativeness open",
    "coverage open",
    "monitoring open",
  ]);
});
