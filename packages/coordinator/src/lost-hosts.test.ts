import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blockMs, durationMs, instant } from "@sluice/core";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { expect, test } from "vitest";
import { type CoordinatorRig, type FleetShape, fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";
import type { ScriptedAgent } from "./testing/scripted-agent.ts";

const ofProcesses = (shape: FleetShape): FleetShape => ({
  ...shape,
  run: "{ driver: process, command: [node, server.js] }",
});

/** A fleet in which shop 1.0.0 is live everywhere. */
async function rigWithShop(shape: FleetShape) {
  const rig = await startRig({ dueLookMs: durationMs(50) });
  await rig.operator.apply(fleetText(ofProcesses(shape)));
  const [, , web2] = ["at-1", "web-1", "web-2"].map((host) => rig.agent(host));
  if (web2 === undefined) throw new Error("no such host");
  await rig.operator.untilPhase(await deploy(rig, "1.0.0"), "completed");
  return { rig, web2 };
}

/** Pushes a release and starts its rollout. */
async function deploy({ operator }: CoordinatorRig, version: string): Promise<string> {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-lost-hosts-"));
  await writeFile(join(dir.path, "version"), version);
  await using out = await mkdtempDisposable(join(tmpdir(), "sluice-lost-hosts-"));
  const path = join(out.path, "release.tgz");
  const { digest } = await packFolder(dir.path, path);
  const bytes = await readFile(path);
  await operator.push({ site: "shop", version, digest, bytes: bytes.length }, [bytes]);
  return await operator.deploy("shop", version);
}

async function versionOn({ operator }: CoordinatorRig, host: string) {
  const found = (await operator.status()).hosts.find((one) => one.host === host);
  return found?.units.find(({ unit }) => unit === "site:shop");
}

/** Until the coordinator has missed it: before, it would get a grant. */
async function lose({ operator }: CoordinatorRig, agent: ScriptedAgent): Promise<void> {
  agent.fallSilent();
  const find = async () => (await operator.status()).hosts.find(({ host }) => host === agent.host);
  await eventually(async () => (await find())?.connected).toBe(false);
}

const stepsOf = ({ stages }: Awaited<ReturnType<CoordinatorRig["operator"]["rollout"]>>) =>
  stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps.map(({ host, state }) => `${host} ${state}`)));

const skipping: FleetShape = { waves: "100%", production: "skipLostAfter: 500ms" };

test("a wave goes on without a host that is lost, and the host follows by itself when it is back", async () => {
  const { rig, web2 } = await rigWithShop(skipping);
  await using _ = rig;
  const { operator } = rig;
  await lose(rig, web2);
  const done = await operator.untilPhase(await deploy(rig, "1.1.0"), "completed");
  expect(stepsOf(done)).toEqual(["at-1 passed", "web-1 passed", "web-2 skipped"]);
  expect(done.statusLine).toBe("completed on 2 hosts, without web-2");
  web2.speak();
  await eventually(async () => (await versionOn(rig, "web-2"))?.running).toBe("1.1.0");
  const { rollouts } = await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 9 });
  expect(rollouts[0]).toMatchObject({ title: "shop 1.1.0 on web-2, which was away", by: "coordinator" });
  await operator.untilPhase(rollouts[0]?.id ?? "", "completed");
});

test("a host that comes late never gets what was taken back meanwhile, and it is told why", async () => {
  const { rig, web2 } = await rigWithShop(skipping);
  await using _ = rig;
  const { operator } = rig;
  await lose(rig, web2);
  const id = await deploy(rig, "1.1.0");
  await operator.untilPhase(id, "completed");
  expect(await versionOn(rig, "web-2")).toMatchObject({ desired: "1.1.0", proven: "1.0.0" });
  const { newRolloutId = "" } = await operator.command(id, "revert", { reason: "leaks" });
  await operator.untilPhase(newRolloutId, "completed");
  const left = async () => (await operator.events()).filter(({ kind }) => kind === "host.left-behind");
  await eventually(async () => (await left()).map(({ sentence }) => sentence)).toEqual([
    "web-2 was away when shop 1.1.0 passed, and does not follow: site:shop on web-1 has been changed or taken back since",
  ]);
  web2.speak();
  await eventually(() => versionOn(rig, "web-2")).toMatchObject({
    desired: "1.0.0",
    running: "1.0.0",
    condition: "in-sync",
  });
  expect((await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 9 })).rollouts).toHaveLength(
    3,
  );
});

test("the canary is who is named, or who has the least traffic of those that have any", async () => {
  const { rig, web2 } = await rigWithShop({ production: "canary: [web-2]" });
  await using _ = rig;
  const { operator } = rig;
  const wavesOf = async (id: string) =>
    (await operator.rollout(id)).stages[1]?.waves.map(({ steps }) => steps.map(({ host }) => host));
  const named = await deploy(rig, "1.1.0");
  expect(await wavesOf(named)).toEqual([["web-2"], ["web-1"]]);
  await operator.untilPhase(named, "completed");

  await operator.apply(fleetText(ofProcesses({ production: "canary: least-traffic" })));
  const startsAt = instant((Math.floor(Date.now() / blockMs) - 1) * blockMs);
  const block = {
    startsAt,
    site: "shop",
    binding: "shop.internal",
    bindingPort: 8080,
    hop: "proxy",
    latency: [3],
  } as const;
  const seq = web2.sendTraffic([{ ...block, outcomes: { ok: 3 } }]);
  const acks = () => web2.received.flatMap((one) => (one.$case === "trafficBatchAck" ? [one.value.seq] : []));
  await eventually(acks).toContain(seq);
  expect(await wavesOf(await deploy(rig, "1.2.0"))).toEqual([["web-2"], ["web-1"]]);
});
