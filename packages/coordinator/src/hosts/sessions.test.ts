import { expect, test } from "vitest";
import { fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";

test("a host outside of the fleet is refused by name", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const stranger = rig.agent("web-9");
  await eventually(() => stranger.refusals[0]).toContain("host 'web-9'");
});

test("the newest session of a host takes the place of the older one", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const older = rig.agent("at-1");
  await eventually(() => older.intent?.generation).toBe(1);
  const newer = rig.agent(
    "at-1",
    {},
    { memory: { maxFence: 1, generation: 1, intentDigest: older.intent?.digest ?? "" } },
  );
  await eventually(() => older.received.some(({ $case }) => $case === "goAway")).toBe(true);
  await eventually(() => newer.received.some(({ $case }) => $case === "welcome")).toBe(true);
});

test("a host that falls silent is told of as silent, with its last word, and comes back", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  const at = rig.agent("at-1");
  const status = async () => (await rig.operator.status()).hosts.find(({ host }) => host === "at-1");
  await eventually(async () => (await status())?.connected).toBe(true);
  at.fallSilent();
  await eventually(async () => (await status())?.connected).toBe(false);
  expect((await status())?.units.map(({ condition }) => condition)).toEqual(["silent", "silent"]);
  at.speak();
  await eventually(async () => (await status())?.connected).toBe(true);
});

test("a rollout waits for a silent host, says which, and goes on when it speaks again", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ soakMs: 50 }));
  const at = rig.agent("at-1", { onProbe: () => undefined });
  const id = await operator.deploy("shop", "1.0.0", "acceptance");
  await operator.untilPhase(id, "observing");
  at.fallSilent();
  await operator.until(id, ({ waitingOn }) =>
    waitingOn.some(({ kind, hosts }) => kind === "host" && hosts.includes("at-1")),
  );
  at.follow({});
  at.speak();
  await operator.untilPhase(id, "completed");
});

test("when several hosts fall silent at once the coordinator takes itself for blind", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ maxWait: "3s" }));
  const agents = ["at-1", "web-1", "web-2"].map((host) => rig.agent(host, { onProbe: () => undefined }));
  const id = await operator.deploy("shop", "1.0.0");
  await operator.untilPhase(id, "observing");
  for (const agent of agents) agent.fallSilent();
  const blind = await operator.until(id, ({ waitingOn }) => waitingOn.some(({ kind }) => kind === "blind"));
  expect(blind.phase).toBe("observing");
});

test("a probe asks the hosts of the site now; one without an agent is answered with a refusal", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  rig.agent("at-1");
  await operator.untilPhase(await operator.deploy("shop", "1.0.0", "acceptance"), "completed");
  const answers = await operator.all((client) => client.probe({ site: "shop" }, operator.metadata));
  const byHost = new Map(answers.map((answer) => [answer.host, answer]));
  expect(byHost.get("at-1")?.results.map(({ hop }) => hop)).toEqual(["slot", "proxy", "slot", "proxy", "edge"]);
  expect(byHost.get("web-1")?.refusal).toContain("host 'web-1' is silent");
  expect(byHost.size).toBe(3);
});
