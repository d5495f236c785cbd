import { durationMs, instant } from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";

const failed = {
  kind: "failed",
  touchedTraffic: false,
  reason: "www.shop.example answered 400, expected 200",
  failure: "probes-before",
} as const;

test("an environment that asks for approval waits for the role, and tells others so", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ approval: "release-manager" }));
  for (const host of ["at-1", "web-1", "web-2"]) rig.agent(host);
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, ({ waitingOn }) => waitingOn.some(({ kind }) => kind === "approval"));
  expect(waiting.currentStage).toBe(1);
  await expect(operator.command(id, "approve", { role: "intern" })).rejects.toMatchObject({ reason: "role-missing" });
  await operator.command(id, "approve", { role: "release-manager", reason: "seen in acceptance" });
  await operator.untilPhase(id, "completed");
  const approval = (await operator.events()).find(({ kind }) => kind === "operator.approve");
  expect(approval).toMatchObject({ by: "ada", rolloutId: id });
});

test("a step that fails halts the rollout, and what passed before goes back to what was proven", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const at = rig.agent("at-1");
  const web = rig.agent("web-1");
  rig.agent("web-2");
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  // The external driver has no files, so that only a change of the fleet file makes another release.
  const before = new Map(at.running);
  web.follow({ onGrant: ({ kind }) => (kind === "activate" ? failed : provisional()) });
  await operator.apply(fleetText({ forward: "internal" }));
  const [rollout] = (await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 1 })).rollouts;
  const ended = await operator.untilPhase(rollout?.id ?? "", "reverted");
  expect(ended.cause).toMatchObject({ kind: "step-failed", sentence: expect.stringContaining("answered 400") });
  expect(ended.stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps.map(({ state }) => state)))).toEqual([
    "reverted",
    "failed",
    "pending",
  ]);
  await eventually(() => new Map(at.running)).toEqual(before);
  const conditions = async () =>
    (await operator.status()).hosts.flatMap(({ units }) => units.map(({ condition }) => condition));
  await eventually(conditions).toEqual(Array(6).fill("in-sync"));
});

test("probes that turn bad while observing halt the rollout and turn the host back", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ soakMs: 20_000 }));
  const at = rig.agent("at-1");
  const id = await operator.deploy("shop", "1.0.0");
  await operator.untilPhase(id, "observing");
  at.follow({
    onProbe: ({ binding }) =>
      binding === "shop.at.internal"
        ? { kind: "bad", status: 400, reason: "answered 400, expected 200" }
        : { kind: "good", status: 200 },
  });
  const ended = await operator.untilPhase(id, "reverted");
  expect(ended.cause?.kind).toBe("regressed");
  expect(ended.cause?.sentence).toContain("shop.at.internal");
  await eventually(() => at.running.size).toBe(0);
});

test("silence never passes a wave: without probe results the rollout waits, then halts at its deadline", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ maxWait: "400ms" }));
  rig.agent("at-1", { onProbe: () => undefined });
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(id, ({ waitingOn }) => waitingOn.some(({ kind }) => kind === "evidence"));
  expect(waiting.phase).toBe("observing");
  const ended = await operator.untilPhase(id, "reverted");
  expect(ended.cause).toMatchObject({ kind: "deadline" });
});

test("a repeated probe batch counts once", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ soakMs: 20_000 }));
  const at = rig.agent("at-1", {}, { probeEveryMs: 3_600_000 });
  const id = await operator.deploy("shop", "1.0.0");
  await operator.untilPhase(id, "observing");
  at.probeNow();
  for (let time = 0; time < 5; time += 1) at.repeatBatch();
  await eventually(() => at.received.filter(({ $case }) => $case === "probeBatchAck").length).toBe(6);
  await eventually(async () => {
    const { waitingOn } = await operator.rollout(id);
    return waitingOn.find(({ kind }) => kind === "evidence")?.sentence;
  }).toContain("0 of 1 probes GET /healthz were not answered as expected since the change");
});

test("a completed rollout is reverted by a rollout of its own, unless something newer touched its units", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const agents = ["at-1", "web-1", "web-2"].map((host) => rig.agent(host));
  const first = await operator.deploy("shop", "1.0.0");
  await operator.untilPhase(first, "completed");
  const before = agents.map((agent) => new Map(agent.running));
  const second = (await operator.apply(fleetText({ forward: "internal" }))).rolloutIds[0] ?? "";
  await operator.untilPhase(second, "completed");
  expect(agents.map((agent) => new Map(agent.running))).not.toEqual(before);
  await expect(operator.command(first, "revert")).rejects.toMatchObject({
    reason: "verb-refused",
    message: expect.stringContaining(second),
  });
  const { newRolloutId } = await operator.command(second, "revert", { reason: "customers complain" });
  const reverted = await operator.untilPhase(newRolloutId ?? "", "completed");
  expect(reverted.kind).toBe("revert");
  await eventually(() => agents.map((agent) => new Map(agent.running))).toEqual(before);
});

test("a unit in the hands of one rollout is refused to another, which is named", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ approval: "release-manager" }));
  for (const host of ["at-1", "web-1", "web-2"]) rig.agent(host);
  const id = await operator.deploy("shop", "1.0.0");
  await expect(operator.deploy("shop", "1.0.1")).rejects.toMatchObject({
    reason: "unit-busy",
    message: expect.stringContaining(id),
  });
  await operator.command(id, "abort", { reason: "not today" });
  await operator.until(id, ({ endedAtMs }) => endedAtMs !== undefined);
});

const provisional = () => ({ kind: "provisional", switchedAt: 0 as never, switchMs: 1 }) as const;

test("a deadline that passed while the coordinator was down decides nothing before the hosts could speak", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ maxWait: "10m" }));
  const at = rig.agent("at-1", { onProbe: () => undefined });
  const id = await operator.deploy("shop", "1.0.0", "acceptance");
  await operator.untilPhase(id, "observing");
  // An hour later, with heartbeats so long that the quiet time outlasts this test.
  const clock = { ...nodeClock, now: () => instant(nodeClock.now() + 3_600_000) };
  await rig.restart({ clock, heartbeatMs: durationMs(60_000) });
  const quiet = await rig.operator.until(id, ({ waitingOn }) => waitingOn.some(({ kind }) => kind === "host"));
  expect(quiet.waitingOn[0]?.sentence).toContain("after the coordinator's start");
  await eventually(async () => (await rig.operator.status()).hosts[0]?.connected).toBe(true);
  expect((await rig.operator.rollout(id)).phase).toBe("observing");
  expect(at.running.has("site:shop")).toBe(true);
  await rig.restart({ clock });
  const ended = await rig.operator.untilPhase(id, "reverted");
  expect(ended.cause?.kind).toBe("deadline");
});

test("what was probed before a restart of the coordinator still counts after it", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText({ soakMs: 20_000 }));
  const at = rig.agent("at-1", {}, { probeEveryMs: 3_600_000 });
  const id = await rig.operator.deploy("shop", "1.0.0", "acceptance");
  await rig.operator.untilPhase(id, "observing");
  for (let time = 0; time < 2; time += 1) at.probeNow();
  const needs = (words: string) =>
    rig.operator.until(id, ({ waitingOn }) =>
      waitingOn.some(({ kind, sentence }) => kind === "evidence" && sentence.includes(words)),
    );
  await needs("needs 6 more good answers");
  await rig.restart();
  await needs("needs 6 more good answers");
  await eventually(() => at.received.filter(({ $case }) => $case === "welcome").length).toBe(2);
  at.probeNow();
  await needs("needs 5 more good answers");
});

test("a one-way release that regresses is held, is kept by a word that says why, and a mended one may follow", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ soakMs: 20_000 }));
  const bad = { kind: "bad", status: 500, reason: "answered 500, expected 200" } as const;
  const at = rig.agent("at-1");
  const oneWay = "orders are split into two tables";
  const deploy = { site: "shop", version: "1.0.0", overrides: [], oneWay };
  const { rolloutId: id = "" } = await operator.ask((client) => client.deploy, deploy);
  await operator.untilPhase(id, "observing");
  at.follow({ onProbe: () => bad });
  const held = await operator.untilPhase(id, "held");
  expect(held).toMatchObject({ oneWay, cause: { kind: "regressed" } });
  expect(at.running.size).toBeGreaterThan(0);
  const pages = (await operator.events()).filter(({ kind }) => kind === "page.raised").map(({ sentence }) => sentence);
  expect(pages.at(-1)).toContain(`is not taken back, because it is one-way (${oneWay}): at-1 may run it`);
  await expect(operator.command(id, "revert")).rejects.toMatchObject({ reason: "reason-missing" });
  await operator.command(id, "keep", { reason: "mended by 1.0.1" });
  await eventually(async () => (await operator.rollout(id)).endedAtMs !== undefined).toBe(true);
  const conditions = async () =>
    (await operator.status()).hosts.flatMap(({ host, units }) =>
      host === "at-1" ? units.map(({ condition }) => condition) : [],
    );
  await eventually(conditions).toEqual(["in-sync", "in-sync"]);
  // Its units are free again; but what is live by a word alone is nothing to go back to.
  at.follow({});
  await operator.apply(fleetText({ forward: "internal" }));
  const [settings] = (await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 1 })).rollouts;
  const changed = await operator.untilPhase(settings?.id ?? "", "completed");
  await expect(operator.command(changed.id, "revert")).rejects.toMatchObject({
    reason: "reason-missing",
    message: expect.stringContaining("has no good verdict there (shop 1.0.0 was kept by ada: mended by 1.0.1)"),
  });
});

test("a completed rollout of a one-way release is not reverted without a reason, and what was said of a version stays said", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  for (const host of ["at-1", "web-1", "web-2"]) rig.agent(host);
  const asked = { site: "shop", version: "1.0.0", overrides: [], toEnvironment: "acceptance" };
  const { rolloutId: first = "" } = await operator.ask((client) => client.deploy, { ...asked, oneWay: "orders" });
  await operator.untilPhase(first, "completed");
  const later = await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  expect(later.oneWay).toBe("orders");
  await expect(operator.command(later.id, "revert")).rejects.toMatchObject({
    reason: "reason-missing",
    message: expect.stringContaining("it is one-way (orders)"),
  });
  // Nothing ran before it here, which is the next thing to be in the way.
  await expect(operator.command(later.id, "revert", { reason: "the backup is back" })).rejects.toMatchObject({
    reason: "verb-refused",
  });
  expect((await operator.events()).filter(({ kind }) => kind === "release.one-way")).toHaveLength(1);
});
