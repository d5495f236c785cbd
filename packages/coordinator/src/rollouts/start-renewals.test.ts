import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateObservation, type HostObservation, instant, minutes } from "@sluice/core";
import { expect, test } from "vitest";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import { writeFlag } from "../store/meta.ts";
import { openStore } from "../store/store.ts";
import { renewalFlag } from "./plan-renewal.ts";
import { findRenewals, settleMs } from "./start-renewals.ts";

const fleetWith = (renewal?: "report"): ConfiguredFleet =>
  ({
    fleet: {
      environments: [{ name: "production", hosts: ["web-1", "web-2"] }],
      certificates: [{ name: "shop", certFile: "/shop.crt", keyFile: "/shop.key", ...(renewal && { renewal }) }],
    },
  }) as unknown as ConfiguredFleet;

const until = instant(minutes(90 * 24 * 60));
const old = { name: "shop", running: { digest: "old", validUntil: until } };
const renewed = { ...old, onDisk: { digest: "renewed", validUntil: until } };
const restarted = { ...old, running: renewed.onDisk };

const saying = (certificate: CertificateObservation | undefined): HostObservation =>
  ({
    units: [{ unit: "front", installed: [], reasons: [], ...(certificate && { certificates: [certificate] }) }],
  }) as unknown as HostObservation;

/** What is found when the two hosts say these of the certificate; `silent`: nothing is heard of the host. */
type Said = CertificateObservation | undefined | "silent";

async function found(one: Said, other: Said, renewal?: "report", flag?: string, now = instant(0)) {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-renewals-"));
  using db = openStore({ dataDir: dir.path });
  if (flag !== undefined)
    db.transact((tx) =>
      writeFlag(tx, renewalFlag("production", "shop", flag.includes("own") ? "web-1" : undefined), flag),
    );
  return findRenewals({
    db,
    configured: fleetWith(renewal),
    now,
    findHost: (host) => {
      const said = host === "web-1" ? one : other;
      return said === "silent"
        ? { connected: false, observation: saying(own("b")) }
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

/** A host with a certificate of its own, and what lies in its files. */
const own = (host: string, disk?: Partial<CertificateObservation>): CertificateObservation => ({
  name: "shop",
  running: { digest: `${host} old`, validUntil: until },
  ...disk,
});
const since = instant(0);
const ownRenewed = (host: string) => own(host, { onDisk: { digest: `${host} own`, validUntil: until }, ...{ since } });

test("hosts that have pairs of their own are rolled out together once all of them were renewed", async () => {
  const both = { environment: "production", certificate: "shop", digest: "a own", hosts: ["web-1", "web-2"] };
  expect(await found(ownRenewed("a"), ownRenewed("b"))).toEqual([both]);
  expect(await found(ownRenewed("a"), ownRenewed("b"), "report")).toEqual([]);
  expect(await found(own("a"), own("b"))).toEqual([]);
});

test("those of them that were renewed do not wait for ever for the others, nor until what they present has ended", async () => {
  const one = [{ environment: "production", certificate: "shop", digest: "a own", hosts: ["web-1"] }];
  const broken = own("b", { problem: "its key is another's", since });
  const nearTheEnd = instant(until - minutes(60));
  for (const other of [own("b"), broken, "silent"] as const) {
    expect(await found(ownRenewed("a"), other)).toEqual([]);
    expect(await found(ownRenewed("a"), other, undefined, undefined, instant(settleMs))).toEqual(one);
    expect(await found(ownRenewed("a"), other, undefined, undefined, nearTheEnd)).toEqual(one);
  }
});

test("a host's own pair for which a rollout was started is left to people, and does not keep others from theirs", async () => {
  expect(await found(ownRenewed("a"), own("b"), undefined, "a own", instant(settleMs))).toEqual([]);
  expect(await found(ownRenewed("a"), ownRenewed("b"), undefined, "a own", instant(settleMs))).toEqual([
    { environment: "production", certificate: "shop", digest: "b own", hosts: ["web-2"] },
  ]);
});

/** What is found where acceptance (`at-1`) comes before production (`web-1`). */
async function foundAbove(below: CertificateObservation, above: CertificateObservation, now = instant(0)) {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-renewals-"));
  using db = openStore({ dataDir: dir.path });
  const environments = [
    { name: "acceptance", hosts: ["at-1"] },
    { name: "production", hosts: ["web-1"] },
  ];
  const configured = { fleet: { ...fleetWith().fleet, environments } } as unknown as ConfiguredFleet;
  const said = { "at-1": below, "web-1": above } as Readonly<Record<string, CertificateObservation>>;
  const findHost = (host: string) => ({ connected: true, observation: saying(said[host]) });
  return findRenewals({ db, configured, now, findHost }).map(({ environment }) => environment);
}

test("an environment waits for the one before it: a day for another pair, until the end is near for the very same", async () => {
  const [below, above] = [ownRenewed("a"), ownRenewed("b")];
  expect(await foundAbove(below, above)).toEqual(["acceptance"]);
  expect(await foundAbove(own("a"), above)).toEqual(["production"]);
  expect(await foundAbove(below, above, instant(settleMs))).toEqual(["acceptance", "production"]);
  expect(await foundAbove(below, above, instant(until - minutes(60)))).toEqual(["acceptance", "production"]);
  const same = { ...renewed, since };
  expect(await foundAbove(same, same, instant(settleMs))).toEqual(["acceptance"]);
  expect(await foundAbove(same, same, instant(until - minutes(60)))).toEqual(["acceptance", "production"]);
  expect(await foundAbove(restarted, same)).toEqual(["production"]);
});
