import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";

const drain = ({ operator }: CoordinatorRig, host: string, more: { reason?: string; anyway?: boolean } = {}) =>
  operator.ask((client) => client.drainHost, {
    ...{ host, reason: "new disk", noticeMs: 1, limitMs: 60_000, anyway: false },
    ...more,
  });
const undrain = ({ operator }: CoordinatorRig, host: string) =>
  operator.ask((client) => client.undrainHost, { host, reason: "done" });

const phaseOf = async ({ operator }: CoordinatorRig, host: string): Promise<string | undefined> =>
  (await operator.status()).hosts.find((one) => one.host === host)?.drain?.phase;

test("a drained host is left alone by rollouts until it is undrained, over a restart, and all of it is in the log", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  let open = 2;
  rig.agent("at-1");
  const web1 = rig.agent("web-1", { open: () => open });
  rig.agent("web-2");
  await expect(drain(rig, "web-1", { reason: " " })).rejects.toMatchObject({ reason: "reason-missing" });
  await expect(drain(rig, "web-9")).rejects.toMatchObject({ reason: "host-unknown" });
  await drain(rig, "web-1");
  await expect(drain(rig, "web-1")).rejects.toMatchObject({ reason: "order-conflict" });
  await expect.poll(() => web1.intent?.body.draining).toBe(true);
  await expect.poll(() => phaseOf(rig, "web-1")).toBe("emptying");
  open = 0;
  web1.follow({ open: () => open });
  await expect.poll(() => phaseOf(rig, "web-1")).toBe("drained");

  const id = await rig.operator.deploy("shop", "1.0.0");
  const waits = await rig.operator.until(id, ({ waitingOn }) => waitingOn.some(({ kind }) => kind === "drained"));
  expect(waits.currentStage).toBe(1);
  await rig.restart();
  await expect.poll(() => phaseOf(rig, "web-1")).toBe("drained");
  await undrain(rig, "web-1");
  await rig.operator.untilPhase(id, "completed");
  expect(web1.intent?.body.draining).toBeUndefined();
  await expect(undrain(rig, "web-1")).rejects.toMatchObject({ reason: "verb-refused" });
  const told = (await rig.operator.events()).filter(({ kind }) => kind.includes("drain"));
  expect(told.map(({ kind, by, sentence }) => [kind, by, sentence])).toEqual([
    ["host.drain-ordered", "ada", "ada drained web-1: new disk"],
    ["host.undrained", "ada", "ada lets users come to web-1 again: done"],
  ]);
});

test("a second host of a site is drained only on somebody's word that it may be", async () => {
  await using rig = await startRig();
  await rig.operator.apply(fleetText());
  await drain(rig, "web-1");
  await drain(rig, "at-1");
  await expect(drain(rig, "web-2")).rejects.toThrow("web-1 of shop is unavailable already (at most 1 at a time)");
  await drain(rig, "web-2", { anyway: true });
  const events = await rig.operator.events();
  expect(events.at(-1)?.sentence).toBe(
    "ada drained web-2: new disk, although web-1 of shop is unavailable already (at most 1 at a time)",
  );
});
