import { after, durationMs, minutes, rebootReturnMs } from "@sluice/core";
import type { RebootHostsRequest } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import type { CoordinatorOptions } from "../start-coordinator.ts";
import { newestSeq, readEvents } from "../store/event-log.ts";
import type { Db } from "../store/store.ts";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";
import type { ScriptedAgent } from "../testing/scripted-agent.ts";

const asked: RebootHostsRequest = { hosts: [], all: false, environment: undefined, reason: "kernel 6.12.9" };

/** Three hosts that can be told to reboot, with a release proven on each. */
async function running(options: Partial<CoordinatorOptions> = {}) {
  const rig = await startRig({ rebootNoticeMs: durationMs(1), ...options });
  await rig.operator.apply(fleetText({ waves: "100%" }));
  const hosts = ["at-1", "web-1", "web-2"].map((host) =>
    rig.agent(host, {}, { bootId: `${host} boot 1`, now: () => options.clock?.now() ?? Date.now() }),
  );
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  return {
    rig,
    agents: Object.fromEntries(hosts.map((agent) => [agent.host, agent])) as Record<string, ScriptedAgent>,
  };
}

const begin = async ({ operator }: CoordinatorRig, more: Partial<RebootHostsRequest>): Promise<string> =>
  (await operator.ask((client) => client.rebootHosts, { ...asked, ...more })).rolloutId;

/** Long enough for a busy machine: what does not come has to fail the test, what comes late has not. */
const patient = { timeout: 30_000 };

/** The order to reboot that the host has got. */
const orderTo = (agent: ScriptedAgent | undefined) => expect.poll(() => agent?.intent?.body.reboot, patient);

/** Whether users are led away from the host. */
const drainOf = (agent: ScriptedAgent | undefined) => expect.poll(() => agent?.intent?.body.draining, patient);

async function stepsOf({ operator }: CoordinatorRig, id: string) {
  const { stages } = await operator.rollout(id);
  return Object.fromEntries(
    stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps.map(({ host, state }) => [host, state]))),
  );
}

test("hosts reboot one after another, environment by environment: drained, told once, proven, and open to users again", async () => {
  const { rig, agents } = await running();
  await using _ = rig;
  const id = await begin(rig, { all: true });
  const away: string[] = [];
  for (const host of ["at-1", "web-1", "web-2"]) {
    const agent = agents[host];
    await orderTo(agent).toEqual({ id: `${id}/${host}/reboot`, bootId: `${host} boot 1` });
    expect(agent?.intent?.body).toMatchObject({ draining: true, grants: [] });
    away.push(...Object.values(agents).flatMap((one) => (one.intent?.body.reboot === undefined ? [] : [one.host])));
    agent?.tellReboot("begun", "its reboot command was started");
    agent?.rebooted(`${host} boot 2`);
    await orderTo(agent).toBeUndefined();
    await drainOf(agent).toBeUndefined();
  }
  await rig.operator.untilPhase(id, "completed");
  expect(away).toEqual(["at-1", "web-1", "web-2"]);
  const told = (await rig.operator.events()).filter(({ kind }) => kind.startsWith("host.reboot"));
  expect(told.map(({ kind, host, rolloutId }) => [kind, host, rolloutId])).toEqual(
    ["at-1", "web-1", "web-2"].flatMap((host) => [
      ["host.reboot-asked", host, id],
      ["host.reboot-granted", host, id],
      ["host.reboot-back", host, id],
    ]),
  );
});

test.each(["host.reboot-asked", "host.reboot-granted", "host.reboot-back", "step.provisional"])(
  "a coordinator that is killed right after %s goes on where it was, and tells no host twice",
  async (kind) => {
    const killed = Promise.withResolvers<void>();
    let isArmed = false;
    const afterCommit = (db: Db): void => {
      if (!isArmed || readEvents(db, newestSeq(db) - 1, 1)[0]?.kind !== kind) return;
      killed.resolve();
      throw new Error("killed");
    };
    const { rig, agents } = await running({ afterCommit });
    await using _ = rig;
    const web1 = agents["web-1"];
    isArmed = true;
    const id = await begin(rig, { hosts: ["web-1"] });
    const reboots = orderTo(web1)
      .toBeDefined()
      .then(() => web1?.rebooted("web-1 boot 2"));
    await killed.promise;
    await rig.restart({ afterCommit: () => undefined });
    await reboots;
    await rig.operator.untilPhase(id, "completed");
    expect(web1?.intent?.body.draining).toBeUndefined();
    const told = (await rig.operator.events()).filter((one) => one.host === "web-1" && one.kind.includes("reboot"));
    expect(told.map((one) => one.kind)).toEqual(["host.reboot-asked", "host.reboot-granted", "host.reboot-back"]);
  },
);

test("a host that stays away stops the rollout, keeps everybody else up, and is let go of when it comes back or is undrained", async () => {
  let aheadMs = 0;
  const clock = { ...nodeClock, now: () => after(nodeClock.now(), durationMs(aheadMs)) };
  const { rig, agents } = await running({ clock });
  await using _ = rig;
  const { operator } = rig;
  const id = await begin(rig, { environment: "production", all: true });
  await orderTo(agents["web-1"]).toBeDefined();
  agents["web-1"]?.tellReboot("begun", "its reboot command was started");
  await expect(operator.ask((client) => client.undrainHost, { host: "web-1", reason: "" })).rejects.toThrow(
    `cannot undrain host 'web-1': rollout ${id} reboots it`,
  );
  await operator.until(id, ({ statusLine }) => statusLine.includes("its reboot command was started"));
  aheadMs = rebootReturnMs + minutes(1);
  const held = await operator.untilPhase(id, "held");
  expect(held.cause?.sentence).toBe(
    "web-1: did not come back proven and healthy within 15m: web-1 has not rebooted: its reboot command was started",
  );
  expect(await stepsOf(rig, id)).toEqual({ "web-1": "failed", "web-2": "pending" });
  expect((await operator.events()).filter(({ kind }) => kind === "page.raised")).toHaveLength(1);
  expect(agents["web-1"]?.intent?.body).toMatchObject({ draining: true });
  await operator.command(id, "abort", { reason: "it needs a disk" });
  await operator.untilPhase(id, "aborted");
  const next = await begin(rig, { hosts: ["web-2"] });
  await operator.until(next, ({ statusLine }) => statusLine.includes("web-2 waits while web-1 is drained"));

  agents["web-1"]?.rebooted("web-1 boot 2");
  await drainOf(agents["web-1"]).toBeUndefined();
  await orderTo(agents["web-2"]).toBeDefined();
  agents["web-2"]?.rebooted("web-2 boot 2");
  await operator.untilPhase(next, "completed");
});

test("a host that refuses is open to users at once, and the rollout is held with the host's own words", async () => {
  const { rig, agents } = await running();
  await using _ = rig;
  const id = await begin(rig, { hosts: ["web-2"] });
  await orderTo(agents["web-2"]).toBeDefined();
  agents["web-2"]?.tellReboot("failed", "the reboot command exited with code 1: Interactive authentication required.");
  const held = await rig.operator.untilPhase(id, "held");
  expect(held.cause?.sentence).toContain("Interactive authentication required.");
  await drainOf(agents["web-2"]).toBeUndefined();
});

test("a rollout that is aborted before its host has begun takes the order back, and users come again", async () => {
  const { rig, agents } = await running();
  await using _ = rig;
  const id = await begin(rig, { hosts: ["web-1"] });
  await orderTo(agents["web-1"]).toBeDefined();
  await rig.operator.command(id, "abort", { reason: "not today" });
  await orderTo(agents["web-1"]).toBeUndefined();
  await drainOf(agents["web-1"]).toBeUndefined();
  await rig.operator.until(id, ({ endedAtMs }) => endedAtMs !== undefined);
});

test("a reboot manager of a host that a rollout reboots is told so, and takes nothing from the rollout", async () => {
  const { rig, agents } = await running({ fleetLock: { host: "127.0.0.1", port: 0 } });
  await using _ = rig;
  const ask = async (path: string): Promise<string> => {
    const init = { method: "POST", headers: { "fleet-lock-protocol": "true" } };
    const body = JSON.stringify({ client_params: { id: "web-1", group: "default" } });
    const response = await fetch(`http://${rig.coordinator.fleetLockAddress}/v1/${path}`, { ...init, body });
    return `${response.status} ${await response.text()}`;
  };
  const id = await begin(rig, { hosts: ["web-1"] });
  await orderTo(agents["web-1"]).toBeDefined();
  expect(await ask("pre-reboot")).toContain(`"rollout_busy","value":"web-1 is in the hands of rollout ${id}"`);
  expect(await ask("steady-state")).toBe("200 ");
  expect(agents["web-1"]?.intent?.body).toMatchObject({ draining: true, reboot: { bootId: "web-1 boot 1" } });
  agents["web-1"]?.rebooted("web-1 boot 2");
  await rig.operator.untilPhase(id, "completed");
});

test("what can't be rebooted is refused before anything is drained, with what to do", async () => {
  const { rig } = await running();
  await using _ = rig;
  await expect(begin(rig, {})).rejects.toThrow("either hosts by name or all of them");
  await expect(begin(rig, { all: true, reason: " " })).rejects.toThrow("without a reason");
  await expect(begin(rig, { hosts: ["web-9"] })).rejects.toThrow("cannot reboot host 'web-9': it is not in the fleet");
  await expect(begin(rig, { hosts: ["web-1"], environment: "acceptance" })).rejects.toThrow(
    "cannot reboot host 'web-1': it is not in environment 'acceptance'",
  );
  await using other = await startRig();
  await other.operator.apply(fleetText());
  for (const host of ["at-1", "web-1", "web-2"]) other.agent(host);
  await expect(begin(other, { hosts: ["web-1"] })).rejects.toThrow("nothing is proven there");
  await other.operator.untilPhase(await other.operator.deploy("shop", "1.0.0"), "completed");
  await expect(begin(other, { hosts: ["web-1"] })).rejects.toThrow("its agent was told no reboot command");
});
