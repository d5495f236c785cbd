import { durationMs } from "@sluice/core";
import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";

/** What Zincati calls the machine of web-1. */
const zincatiId = "978a225b3d7b40e9acd7ce9b62f68444";

const anyPort = { host: "127.0.0.1", port: 0 };
const lockingRig = (): Promise<CoordinatorRig> => startRig({ fleetLock: anyPort, rebootNoticeMs: durationMs(1) });

/** A request exactly as Zincati sends it: its body pretty-printed, without a content type. */
async function zincati(rig: CoordinatorRig, path: string, id: string, group = "default") {
  const body = Buffer.from(JSON.stringify({ client_params: { id, group } }, undefined, 2));
  return send(rig, path, { method: "POST", headers: { "fleet-lock-protocol": "true" }, body });
}

async function send({ coordinator }: CoordinatorRig, path: string, init: RequestInit) {
  const response = await fetch(`http://${coordinator.fleetLockAddress}/${path}`, init);
  const text = await response.text();
  const refusal = text === "" ? {} : (JSON.parse(text) as { kind: string; value: string });
  return { status: response.status, ...refusal };
}

const preReboot = (rig: CoordinatorRig, id: string) => zincati(rig, "v1/pre-reboot", id);
const steadyState = (rig: CoordinatorRig, id: string) => zincati(rig, "v1/steady-state", id);
const until = (ask: () => Promise<{ status: number; kind?: string }>, kind?: string) =>
  expect.poll(ask, { timeout: 10_000 }).toMatchObject(kind === undefined ? { status: 200 } : { status: 409, kind });

async function running(rig: CoordinatorRig) {
  await rig.operator.apply(fleetText());
  rig.agent("at-1");
  const web1 = rig.agent("web-1", {}, { rebootClientId: zincatiId });
  const web2 = rig.agent("web-2");
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  return { web1, web2 };
}

test("hosts of a site reboot one after another: drained before, let go once, and back only when proven and healthy", async () => {
  await using rig = await lockingRig();
  const { web1 } = await running(rig);
  // As Zincati does when it starts: it gives back what it may hold from before its reboot.
  expect(await steadyState(rig, zincatiId)).toEqual({ status: 200 });
  let open = 1;
  web1.follow({ open: () => open });
  await until(() => preReboot(rig, zincatiId), "draining");
  await expect.poll(() => web1.intent?.body.draining).toBe(true);
  expect(await preReboot(rig, "web-2")).toMatchObject({ status: 409, kind: "site_busy" });
  open = 0;
  web1.follow({ open: () => open });
  await until(() => preReboot(rig, zincatiId));

  await rig.restart();
  expect(await preReboot(rig, zincatiId)).toEqual({ status: 200 });
  web1.follow({ onProbe: () => ({ kind: "bad", reason: "connection refused" }) });
  await until(() => steadyState(rig, zincatiId), "not_healthy");
  await until(() => preReboot(rig, "web-2"), "site_busy");
  web1.follow({});
  await until(() => steadyState(rig, zincatiId));
  await expect.poll(() => web1.intent?.body.draining).toBeUndefined();
  await until(() => preReboot(rig, "web-2"));

  const told = (await rig.operator.events()).filter(({ kind }) => kind.startsWith("host.reboot"));
  expect(told.map(({ kind, host }) => [kind, host])).toEqual([
    ["host.reboot-asked", "web-1"],
    ["host.reboot-granted", "web-1"],
    ["host.reboot-ended", "web-1"],
    ["host.reboot-asked", "web-2"],
    ["host.reboot-granted", "web-2"],
  ]);
});

test("nobody is let go while everything is halted, while it is frozen, and while a host of the site is silent", async () => {
  await using rig = await lockingRig();
  const { operator } = rig;
  const { web2 } = await running(rig);
  await operator.ask((client) => client.haltAll, { reason: "smoke" });
  expect(await preReboot(rig, "web-1")).toMatchObject({ status: 409, kind: "halted" });
  await operator.ask((client) => client.clearHalt, {});
  const freeze = { name: "audit", reason: "auditors", owner: "eve", environments: ["production"], sites: [] };
  await operator.ask((client) => client.addFreeze, { ...freeze, toMs: Date.now() + 3_600_000, zone: "UTC" });
  expect(await preReboot(rig, "web-1")).toMatchObject({ status: 409, kind: "frozen" });
  await operator.ask((client) => client.removeFreeze, { name: "audit", reason: "they left" });
  web2.fallSilent();
  const isSilent = async () => (await operator.status()).hosts.some(({ connected }) => !connected);
  await expect.poll(isSilent, { timeout: 10_000 }).toBe(true);
  expect(await preReboot(rig, "web-1")).toMatchObject({ status: 409, kind: "site_busy" });
  expect(await preReboot(rig, "web-2")).toMatchObject({ status: 409, kind: "host_silent" });
  web2.speak();
  await until(() => preReboot(rig, "web-1"));
  await operator.ask((client) => client.undrainHost, { host: "web-1", reason: "not today" });
  await until(() => preReboot(rig, "web-2"));
});

test("what is not the protocol is refused with what is wrong", async () => {
  await using rig = await lockingRig();
  await rig.operator.apply(fleetText());
  const headers = { "fleet-lock-protocol": "true" };
  const path = "v1/pre-reboot";
  expect(await send(rig, path, { headers })).toMatchObject({ status: 405, kind: "bad_request" });
  expect(await send(rig, path, { method: "POST", body: "{}" })).toMatchObject({ status: 400, kind: "bad_request" });
  expect(await send(rig, path, { method: "POST", headers, body: "{}" })).toMatchObject({
    status: 400,
    value: "client_params.id is missing",
  });
  expect(await send(rig, path, { method: "POST", headers, body: "{" })).toMatchObject({
    value: "the body is not JSON",
  });
  expect(await send(rig, path, { method: "POST", headers, body: "x".repeat(5000) })).toMatchObject({ status: 400 });
  expect(await zincati(rig, path, "web-1", "a b")).toMatchObject({ status: 400 });
  expect(await preReboot(rig, "web-9")).toMatchObject({ status: 404, kind: "host_unknown" });
  expect(await send(rig, "v1/elsewhere", { method: "POST", headers })).toMatchObject({ status: 404 });
});
