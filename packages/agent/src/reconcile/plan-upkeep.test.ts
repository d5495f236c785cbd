import {
  type CertificateSet,
  instant,
  type ProxySeen,
  readyKey,
  type SiteDuties,
  type SlotSeen,
  seconds,
  type UnitRelease,
} from "@sluice/core";
import { expect, test } from "vitest";
import { planSiteUpkeep, type UpkeepInput } from "./plan-upkeep.ts";

const release = (unit: UnitRelease["unit"], digest: string): UnitRelease => ({
  unit,
  version: digest,
  digest,
  content: {
    site: "shop",
    run: { driver: "process", command: ["serve"], env: {} },
    ready: { path: "/", withinMs: seconds(1) },
  },
});

const target = { host: "127.0.0.1", port: 4001, release: "shop-1" };
const blue: SlotSeen = {
  site: "shop",
  slot: "blue",
  digest: "shop-1",
  version: "1",
  target,
  pid: 1,
  startedAtMs: 0,
  alive: true,
  restarts: 0,
};

const proxy = (childId: string, digest: string): ProxySeen => ({
  unit: "proxy:shop",
  childId,
  digest,
  build: "1",
  pid: 2,
  startedAtMs: 0,
  accepting: true,
  draining: false,
  slots: { live: "blue", blue: target },
  open: { blue: 0, green: 0 },
  remarks: [],
});

const input = (proxies: readonly ProxySeen[]): UpkeepInput => ({
  now: instant(0),
  host: { installed: [], slots: [blue], proxies },
  proven: { "site:shop": release("site:shop", "shop-1"), "proxy:shop": release("proxy:shop", "proxy-1") },
  certificates: {},
  wanted: new Set(["site:shop", "proxy:shop"]),
  busy: new Set(),
  drifting: new Set(),
  duties: { shop: { site: "shop", drainMs: seconds(5) } as SiteDuties },
  slotByActivation: {},
  ready: new Set(),
  unready: new Set(),
  absentSince: {},
  draining: false,
  cold: false,
});

test("of two proxies that accept the proven one stays, even when the other is newer", () => {
  const actions = planSiteUpkeep(input([proxy("proxy-shop-1", "proxy-1"), proxy("proxy-shop-2", "proxy-2")]), "shop");
  expect(actions).toEqual([{ kind: "drain", childId: "proxy-shop-2", limitMs: 5000 }]);
});

test("of two proven proxies that accept the newer one stays", () => {
  const actions = planSiteUpkeep(input([proxy("proxy-shop-1", "proxy-1"), proxy("proxy-shop-2", "proxy-1")]), "shop");
  expect(actions).toEqual([{ kind: "drain", childId: "proxy-shop-1", limitMs: 5000 }]);
});

test("a host that is drained has its proxies told, once, and told again when it is over", () => {
  const asked = { ...input([proxy("proxy-shop-1", "proxy-1")]), ready: new Set([readyKey(blue)]) };
  expect(planSiteUpkeep(asked, "shop")).toEqual([]);
  const drained = { live: "blue", blue: target, draining: true } as const;
  expect(planSiteUpkeep({ ...asked, draining: true }, "shop")).toEqual([
    { kind: "put-slots", childId: "proxy-shop-1", slots: drained },
  ]);
  const told = {
    ...asked,
    host: { ...asked.host, proxies: [{ ...proxy("proxy-shop-1", "proxy-1"), slots: drained }] },
  };
  expect(planSiteUpkeep({ ...told, draining: true }, "shop")).toEqual([]);
  expect(planSiteUpkeep(told, "shop")).toEqual([
    { kind: "put-slots", childId: "proxy-shop-1", slots: { live: "blue", blue: target } },
  ]);
});

test("a proxy that comes up on a drained host is drained from its first request on", () => {
  const asked = { ...input([]), draining: true, cold: true, ready: new Set([readyKey(blue)]) };
  expect(planSiteUpkeep(asked, "shop")).toMatchObject([{ kind: "start-successor", slots: { draining: true } }]);
});

test("a proxy that runs and does not answer for a while is not doubled, also at a cold start, where an absent one is started at once", () => {
  const cold = {
    ...input([]),
    cold: true,
    ready: new Set([readyKey(blue)]),
    absentSince: { "proxy:shop": instant(0) },
  };
  const slow = { unit: "proxy:shop", childId: "proxy-shop-1", isDown: false } as const;
  expect(planSiteUpkeep(cold, "shop")).toMatchObject([{ kind: "start-successor" }]);
  const started = { ...cold, host: { ...cold.host, silent: [slow] } };
  expect(planSiteUpkeep({ ...started, now: instant(29_000) }, "shop")).toEqual([]);
  expect(planSiteUpkeep({ ...started, cold: false, now: instant(29_000) }, "shop")).toEqual([]);
  expect(planSiteUpkeep({ ...started, now: instant(30_000) }, "shop")).toMatchObject([{ kind: "start-successor" }]);
});

test("a proxy that waits is told what is live before it accepts, where it was started for something else", () => {
  const waiting = { ...proxy("waiting", "proxy-1"), accepting: false };
  const accept = { kind: "accept", childId: "waiting" };
  const ordersFor = (seen: ProxySeen) =>
    planSiteUpkeep({ ...input([seen]), ready: new Set([readyKey(blue)]) }, "shop").filter(
      ({ kind }) => kind === "accept" || kind === "put-slots",
    );
  expect(ordersFor(waiting)).toEqual([accept]);
  const gone = { ...target, port: 4999 };
  expect(ordersFor({ ...waiting, slots: { live: "blue", blue: gone } })).toEqual([
    { kind: "put-slots", childId: "waiting", slots: { live: "blue", blue: target } },
    accept,
  ]);
});

const certified = (digest: string): CertificateSet => ({ shop: { digest, validUntil: instant(1_000_000) } });

test("a proxy of the proven release that was started with other certificates is no proven one", () => {
  const [old, renewed] = ["old", "renewed"].map((digest, at) => ({
    ...proxy(`proxy-shop-${at + 1}`, "proxy-1"),
    certificates: certified(digest),
  }));
  const certificates = { "proxy:shop": certified("old") };
  if (old === undefined || renewed === undefined) throw new Error("two proxies");
  expect(planSiteUpkeep({ ...input([old, renewed]), certificates }, "shop")).toMatchObject([
    { kind: "drain", childId: "proxy-shop-2" },
  ]);
  const left = { ...renewed, accepting: false };
  const cold = { ...input([left]), certificates, cold: true, ready: new Set([readyKey(blue)]) };
  expect(planSiteUpkeep(cold, "shop"), "left behind by a grant that was interrupted").toMatchObject([
    { kind: "start-successor", certificates: certified("old") },
  ]);
});
