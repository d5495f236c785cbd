import { mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Grant, type GrantProgress, instant, isProgramUnit, type ProgramUnit, programRelease } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;
const byHand = programRelease("agent", "1.0.0", undefined, sha256Text).digest;
const keeperByHand = programRelease("keeper", "1.0.0", undefined, sha256Text).digest;

async function push({ operator }: CoordinatorRig, version: string, text = version, agentEntry = "main.mjs") {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-agent-"));
  const folder = join(dir.path, "agent");
  await mkdir(folder);
  await writeFile(join(folder, "main.mjs"), text);
  const { digest } = await packFolder(folder, join(dir.path, "agent.tgz"));
  const bytes = await readFile(join(dir.path, "agent.tgz"));
  return await operator.push({ site: "", version, digest, bytes: bytes.length, agentEntry }, [bytes]);
}

/** A fleet in which shop is live; `onGrant` decides how hosts take a grant for their agent. */
async function rigWithShop(
  agentVersion: string | undefined,
  onGrant: (host: string) => GrantProgress | undefined = () => undefined,
) {
  const rig = await startRig();
  await rig.operator.apply(fleetText());
  const live: GrantProgress = { kind: "provisional", switchedAt: instant(0), switchMs: 3 };
  const scripted = hosts.map((host) => {
    const script = {
      onGrant: ({ units, kind }: Grant) =>
        units.some(({ unit }) => isProgramUnit(unit)) && kind !== "revert" ? (onGrant(host) ?? live) : live,
    };
    return rig.agent(host, script, agentVersion === undefined ? {} : { agentVersion, keeperVersion: agentVersion });
  });
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  return { rig, running: (unit: ProgramUnit = "agent") => scripted.map((agent) => agent.running.get(unit)) };
}

const restart = async (
  { operator }: CoordinatorRig,
  agentVersion?: string,
  unit: ProgramUnit = "agent",
): Promise<string> => {
  const which = unit === "agent" ? { agents: true } : { keepers: true };
  const { rolloutIds } = await operator.ask((client) => client.restart, { proxies: false, ...which, agentVersion });
  return rolloutIds[0] ?? "";
};

test("a version of the agent goes through every environment, and back to what was installed by hand", async () => {
  const { rig, running } = await rigWithShop("1.0.0");
  await using _ = rig;
  const { operator } = rig;
  expect(await push(rig, "2.0.0")).toMatchObject({ existed: false });
  expect(await push(rig, "2.0.0")).toMatchObject({ existed: true });
  await expect(push(rig, "2.0.0", "another")).rejects.toMatchObject({ reason: "release-conflict" });
  await expect(push(rig, "2.0.1", "x", "../main.mjs")).rejects.toMatchObject({ reason: "release-invalid" });
  const { releases } = await operator.ask((client) => client.listReleases, { site: "", agents: true });
  expect(releases.map(({ version }) => version)).toEqual(["2.0.0"]);

  const unitsOf = async () => (await operator.status()).hosts.flatMap(({ units }) => units);
  const shown = async () => (await unitsOf()).filter(({ unit }) => unit === "agent");
  expect(await shown()).toMatchObject(Array(3).fill({ running: "1.0.0", condition: "in-sync" }));

  const id = await restart(rig, "2.0.0");
  const { title, stages } = await operator.untilPhase(id, "completed");
  expect([title, stages.map(({ environment }) => environment)]).toEqual(["agent 2.0.0", ["acceptance", "production"]]);
  const [first, ...others] = running();
  expect(others).toEqual([first, first]);
  expect(first).not.toBe(byHand);
  expect(await restart(rig, "2.0.0")).toBe("");
  const adopted = (await operator.events()).filter(({ kind }) => kind === "agent.adopted");
  expect(adopted.map(({ host }) => host)).toEqual([...hosts]);

  const { newRolloutId = "" } = await operator.command(id, "revert", { reason: "leaks" });
  await operator.untilPhase(newRolloutId, "completed");
  await eventually(() => running()).toEqual([byHand, byHand, byHand]);
});

test("a restart without a version is a grant to start again what is proven there, through every environment", async () => {
  const kinds: string[] = [];
  const { rig, running } = await rigWithShop("1.0.0", (host) => void kinds.push(host));
  await using _ = rig;
  const { title, stages } = await rig.operator.untilPhase(await restart(rig), "completed");
  expect([title, stages.map(({ environment }) => environment)]).toEqual([
    "restart agents",
    ["acceptance", "production"],
  ]);
  expect(new Set(kinds)).toEqual(new Set(hosts));
  expect(running()).toEqual([byHand, byHand, byHand]);
});

test("a version that fails on one host is taken back everywhere, with the host's own reason", async () => {
  const reason = "it ended with exit code 1 after 0.1 s: Error: cannot find module";
  const failed = { kind: "failed", touchedTraffic: false, failure: "start", reason } as const;
  const { rig, running } = await rigWithShop("1.0.0", (host) => (host === "web-1" ? failed : undefined));
  await using _ = rig;
  await push(rig, "2.0.0");
  const { cause } = await rig.operator.untilPhase(await restart(rig, "2.0.0"), "reverted");
  expect(cause?.sentence).toBe(`web-1: ${reason}; what users reach was not touched`);
  await eventually(() => running()).toEqual([byHand, byHand, byHand]);
});

test("nothing begins while a host does not say what its agent runs, or for a version that nobody pushed", async () => {
  const { rig } = await rigWithShop(undefined);
  await using _ = rig;
  await push(rig, "2.0.0");
  await expect(restart(rig, "2.0.0")).rejects.toThrow("at-1, web-1, web-2 do not say what the agent there runs");
  await expect(restart(rig, "2.0.0", "keeper")).rejects.toThrow("do not say what the keeper there runs");
  await expect(restart(rig, "3.0.0")).rejects.toMatchObject({ reason: "release-unknown" });
});

test("a version that was pushed becomes that of the keepers by a rollout of theirs, and agents stay as they are", async () => {
  const { rig, running } = await rigWithShop("1.0.0");
  await using _ = rig;
  const { operator } = rig;
  await push(rig, "2.0.0");
  const id = await restart(rig, "2.0.0", "keeper");
  expect((await operator.untilPhase(id, "completed")).title).toBe("keeper 2.0.0");
  const [first, ...others] = running("keeper");
  expect([others, first === keeperByHand]).toEqual([[first, first], false]);
  expect(running("agent")).toEqual([undefined, undefined, undefined]);
  const adopted = (await operator.events()).filter(({ kind }) => kind.endsWith(".adopted"));
  expect(adopted.map(({ kind, host }) => [kind, host])).toEqual(hosts.map((host) => ["keeper.adopted", host]));
  const units = (await operator.status()).hosts.flatMap((host) => host.units).filter(({ unit }) => unit === "keeper");
  expect(units).toMatchObject(Array(3).fill({ desired: "2.0.0", proven: "2.0.0", condition: "in-sync" }));

  const { newRolloutId = "" } = await operator.command(id, "revert", { reason: "leaks" });
  await operator.untilPhase(newRolloutId, "completed");
  await eventually(() => running("keeper")).toEqual([keeperByHand, keeperByHand, keeperByHand]);
  const again = await restart(rig, undefined, "keeper");
  expect((await operator.untilPhase(again, "completed")).title).toBe("restart keepers");
});
