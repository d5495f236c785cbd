import { cp, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";

test("a store restored from an old backup refuses to lead until an operator adopts it", async () => {
  await using backup = await mkdtempDisposable(join(tmpdir(), "sluice-backup-"));
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const agents = ["at-1", "web-1", "web-2"].map((host) => rig.agent(host));
  await eventually(() => agents.every((agent) => agent.intent !== undefined)).toBe(true);
  await rig.stop();
  await cp(rig.dataDir, backup.path, { recursive: true });
  await rig.restart();
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  const running = agents.map((agent) => new Map(agent.running));
  const generations = agents.map((agent) => agent.intent?.generation ?? 0);

  await rig.stop();
  await cp(backup.path, rig.dataDir, { recursive: true, force: true });
  await rig.restart();
  await eventually(() => rig.coordinator.refusal).toContain("refusing to lead");
  expect((await rig.operator.status()).remarks).toEqual([rig.coordinator.refusal]);
  await expect(rig.operator.deploy("shop", "2.0.0")).rejects.toMatchObject({ reason: "fence-behind" });

  // Starting it over and over again does not outgrow the refusal.
  await rig.restart();
  expect(rig.coordinator.refusal).toContain("refusing to lead");
  expect(agents.map((agent) => new Map(agent.running))).toEqual(running);

  await rig.restart({ adoptFence: true });
  expect(rig.coordinator.refusal).toBeUndefined();
  await eventually(() =>
    agents.map(({ intent }, index) => (intent?.generation ?? 0) > (generations[index] ?? 0)),
  ).toEqual([true, true, true]);
  const kinds = (await rig.operator.events()).map(({ kind }) => kind);
  expect(kinds).toContain("coordinator.refuses-to-lead");
  expect(kinds).toContain("coordinator.fence-adopted");
});

test("an agent that has obeyed a higher fence ends the lead of a coordinator with an empty store", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  rig.agent("at-1", {}, { memory: { maxFence: 9, generation: 4, intentDigest: "sha256:ab" } });
  await eventually(() => rig.coordinator.refusal).toContain("fence 9");
});
