import { type CertificateObservation, instant, type UnitKey } from "@sluice/core";
import { expect, test } from "vitest";
import { fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;

test("plan tells what apply would do and changes nothing; problems are told with their place", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  const planned = await operator.plan(fleetText());
  expect(planned.changes.map(({ sentence }) => sentence)).toContain("site shop: added");
  expect(planned).toMatchObject({ rollouts: [], problems: [] });
  await expect(operator.status()).rejects.toMatchObject({ reason: "fleet-missing" });
  const broken = await operator.apply(fleetText().replace("kind: public", "kind: pubic"));
  expect(broken).toMatchObject({
    changes: [],
    rolloutIds: [],
    problems: [{ file: "fleet.yaml", line: expect.any(Number) }],
  });
  await expect(operator.status()).rejects.toMatchObject({ reason: "fleet-missing" });
});

test("a first deploy brings site, proxy and front together; another site joins the front with its own first deploy", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ shared: true, sites: ["shop", "blog"] }));
  const agents = hosts.map((host) => rig.agent(host));
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  const first = agents.map(({ running }) => running.get("front"));
  expect(agents.map(({ running }) => [...running.keys()].sort())).toEqual(
    Array(3).fill(["front", "proxy:shop", "site:shop"]),
  );
  await operator.untilPhase(await operator.deploy("blog", "1.0.0"), "completed");
  expect(agents.map(({ running }) => running.get("front"))).not.toEqual(first);
  const routes = () => agents[0]?.intent?.body.units.find(({ unit }) => unit === "front")?.proven?.content;
  await eventually(routes).toMatchObject({
    routes: [{ site: "blog" }, { site: "shop" }, { site: "blog" }, { site: "shop" }],
  });
  // Everything is proven there: the same again is no rollout.
  const again = await operator.ask((client) => client.deploy, { site: "blog", version: "1.0.0", overrides: [] });
  expect(again.rolloutId).toBeUndefined();
});

test("changed probes take effect at once, a changed proxy goes through a rollout", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const agents = hosts.map((host) => rig.agent(host));
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  const probes = await operator.apply(fleetText({ probePath: "/ready" }));
  expect(probes.rolloutIds).toEqual([]);
  const paths = () => agents.map((agent) => agent.intent?.body.sites[0]?.probes[0]?.path);
  await eventually(paths).toEqual(Array(3).fill("/ready"));
  const planned = await operator.plan(fleetText({ probePath: "/ready", forward: "internal" }));
  expect(planned.rollouts).toEqual(["settings of shop"]);
  expect(planned.changes).toMatchObject([{ sentence: expect.stringContaining("forward.host"), hosts: [...hosts] }]);
  const { rolloutIds } = await operator.apply(fleetText({ probePath: "/ready", forward: "internal" }));
  const ended = await operator.untilPhase(rolloutIds[0] ?? "", "completed");
  expect(ended.stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps.map(({ units }) => units)))).toEqual(
    Array(3).fill(["proxy:shop"]),
  );
  expect((await operator.plan(fleetText({ probePath: "/ready", forward: "internal" }))).changes).toEqual([]);
});

test("a fleet file that leaves out a live site is refused as a whole", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ sites: ["shop", "blog"] }));
  for (const host of hosts) rig.agent(host);
  await operator.untilPhase(await operator.deploy("shop", "1.0.0", "acceptance"), "completed");
  const refused = await operator.apply(fleetText({ sites: ["blog"] }));
  expect(refused.problems).toMatchObject([{ sentence: expect.stringContaining("site 'shop' is live on at-1") }]);
  expect((await operator.status()).hosts[0]?.units.map(({ unit }) => unit)).toContain("site:shop");
});

test("two sites roll out side by side", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ sites: ["shop", "blog"], soakMs: 300 }));
  const agents = hosts.map((host) => rig.agent(host));
  const ids = await Promise.all(["shop", "blog"].map((site) => operator.deploy(site, "1.0.0")));
  const events = await Promise.all(ids.map((id) => operator.untilPhase(id, "completed"))).then(() => operator.events());
  const seqOf = (kind: string, id: string | undefined) =>
    events.find((one) => one.kind === kind && one.rolloutId === id)?.seq ?? 0;
  expect(seqOf("rollout.started", ids[1])).toBeLessThan(seqOf("rollout.completed", ids[0]));
  expect(agents.map(({ running }) => running.size)).toEqual([4, 4, 4]);
});

test("never more hosts of a site are in the middle of an activation than its maxUnavailable", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ waves: "100%" }));
  const busy = { kind: "preparing", doing: "starting the idle slot" } as const;
  rig.agent("at-1");
  const web = ["web-1", "web-2"].map((host) => rig.agent(host, { onGrant: () => busy }));
  const id = await operator.deploy("shop", "1.0.0");
  const waiting = await operator.until(
    id,
    ({ waitingOn, stages }) =>
      waitingOn.some(({ kind }) => kind === "max-unavailable") &&
      stages.some(({ waves }) => waves.some(({ steps }) => steps.some(({ doing }) => doing !== undefined))),
  );
  const states = waiting.stages[1]?.waves[0]?.steps.map(({ state, doing }) => [state, doing]);
  expect(states).toEqual([
    ["activating", busy.doing],
    ["pending", undefined],
  ]);
  for (const agent of web) agent.follow({});
  await operator.untilPhase(id, "completed");
});

test("restart of all proxies is one rollout a site and one for the fronts", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText({ shared: true }));
  const agents = hosts.map((host) => rig.agent(host));
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  const before = agents.map(({ running }) => new Map(running));
  const { rolloutIds } = await operator.ask((client) => client.restart, { proxies: true, reason: "patched libraries" });
  const ended = await Promise.all(rolloutIds.map((id) => operator.untilPhase(id, "completed")));
  expect(ended.map(({ title }) => title)).toEqual(["restart proxies of shop", "restart fronts"]);
  expect(agents.map(({ running }) => new Map(running))).toEqual(before);
});

test("a restart says which renewed certificate goes live by it, and its revert asks for the certificate of before", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const seen = (digest: string, day: number) => ({ digest, validUntil: instant(day * 86_400_000) });
  const presents = (certificate: Partial<CertificateObservation>) => ({
    certificates: (unit: UnitKey) =>
      unit === "proxy:shop" ? [{ name: "shop", running: seen("old", 20_600), ...certificate }] : [],
  });
  const agents = hosts.map((host) => rig.agent(host));
  await operator.untilPhase(await operator.deploy("shop", "1.0.0"), "completed");
  for (const agent of agents) agent.follow(presents({ onDisk: seen("renewed", 20_690), since: instant(0) }));
  const pending = async () =>
    (await operator.status()).hosts.flatMap(({ units }) => units.map((unit) => unit.condition));
  const condition = "pending-activation";
  await eventually(async () => (await pending()).filter((one) => one === condition).length).toBe(hosts.length);
  const { rolloutIds } = await operator.ask((client) => client.restart, { site: "shop", proxies: true });
  const [id = ""] = rolloutIds;
  const { title } = await operator.untilPhase(id, "completed");
  expect(title).toBe("restart proxies of shop, with certificate shop until 2026-08-25");
  for (const agent of agents) agent.follow(presents({ running: seen("renewed", 20_690) }));
  const { newRolloutId = "" } = await operator.command(id, "revert", { reason: "clients refuse it" });
  await operator.untilPhase(newRolloutId, "completed");
  const sent = agents[0]?.received.flatMap((message) =>
    message.$case === "intent" ? [message.value.document.toString()] : [],
  );
  expect(sent?.some((document) => document.includes(`"kind":"revert"`) && document.includes(newRolloutId))).toBe(true);
});

test("an override needs a reason and stays on the rollout and in the log", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const at = rig.agent("at-1");
  const deploy = (check: string, reason: string) =>
    operator.ask((client) => client.deploy, {
      site: "shop",
      version: "1.0.0",
      toEnvironment: "acceptance",
      overrides: [{ check, reason }],
    });
  await expect(deploy("probes-before", " ")).rejects.toMatchObject({ reason: "reason-missing" });
  await expect(deploy("gravity", "why not")).rejects.toMatchObject({ reason: "usage-invalid" });
  const { rolloutId } = await deploy("probes-before", "the slot cannot be asked from here");
  const ended = await operator.untilPhase(rolloutId ?? "", "completed");
  expect(ended.overrides).toMatchObject([
    { check: "probes-before", by: "ada", reason: "the slot cannot be asked from here" },
  ]);
  const sent = at.received.flatMap((message) =>
    message.$case === "intent" ? [message.value.document.toString()] : [],
  );
  expect(sent.some((document) => document.includes('"probesBefore":{"by":"ada","kind":"skipped"'))).toBe(true);
  expect((await operator.events()).map(({ kind }) => kind)).toContain("rollout.check-overridden");
});
