import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateObservation, type HostObservation, instant } from "@sluice/core";
import { expect, test } from "vitest";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import { writeFlag } from "../store/meta.ts";
import { openStore } from "../store/store.ts";
import { findRenewals } from "./start-renewals.ts";

const fleetWith = (renewal?: "report"): ConfiguredFleet =>
  ({
    fleet: {
      environments: [{ name: "production", hosts: ["web-1", "web-2"] }],
      certificates: [{ name: "shop", certFile: "/shop.crt", keyFile: "/shop.key", ...(renewal && { renewal }) }],
    },
  }) as unknown as ConfiguredFleet;

const until = instant(0);
const old = { name: "shop", running: { digest: "old", validUntil: until } };
const renewed = { ...old, onDisk: { digest: "renewed", validUntil: until } };
const restarted = { ...old, running: renewed.onDisk };

const saying = (certificate: CertificateObservation | undefined): HostObservation =>
  ({
    units: [{ unit: "front", installed: [], reasons: [], ...(certificate && { certificates: [certificate] }) }],
  }) as unknown as HostObservation;

/** What is found when the two hosts say these of the certificate; `silent`: nothing is heard of the host. */
type Said = CertificateObservation | undefined | "silent";

async function found(one: Said, other: Said, renewal?: "report", flag?: string) {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-renewals-"));
  using db = openStore({ dataDir: dir.path });
  if (flag !== undefined) db.transact((tx) => writeFlag(tx, "renewal/production/shop", flag));
  return findRenewals({
    db,
    configured: fleetWith(renewal),
    findHost: (host) => {
      const said = host === "web-1" ? one : other;
      return said === "silent"
        ? { connected: false, observation: saying(renewed) }
        : { connected: true, observation: saying(said) };
    },
  });
}

const all = [{ environment: "production", certificate: "shop", digest: "renewed" }];

test("a rollout is wanted once all hosts of an environment have found the very same renewed pair", async () => {
  expect(await found(renewed, renewed)).toEqual(all);
  expect(await found(renewed, restarted), "one was restarted already").toEqual(all);
  expect(await found(renewed, undefined), "one presents nothing").toEqual(all);
  expect(await found(restarted, restarted)).toEqual([]);
});

test("no rollout is wanted while a host has the old pair, another one, one that can't be used, or is silent", async () => {
  const another = { ...old, onDisk: { digest: "another", validUntil: until } };
  const broken = { ...old, problem: "its key is another's" };
  for (const other of [old, another, broken, "silent"] as const) expect(await found(renewed, other)).toEqual([]);
  expect(await found(broken, broken)).toEqual([]);
});

test("a pair for which a rollout was started is left to people, and so is what is only to be reported", async () => {
  expect(await found(renewed, renewed, undefined, "renewed")).toEqual([]);
  expect(await found(renewed, renewed, undefined, "one before")).toEqual(all);
  expect(await found(renewed, renewed, "report")).toEqual([]);
});
