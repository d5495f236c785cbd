import { expect, test } from "vitest";
import type { CertificateObservation } from "../host/certificates.ts";
import type { HostObservation, UnitObservation } from "../host/observation.ts";
import { at, healthy, live } from "../rollout/rollout-builders.ts";
import { instant } from "../units/time.ts";
import { observationEvents, silenceEvents, type ToldHost } from "./host-events.ts";

/** A host on which `v1` is desired, proven and runs as process 1. */
function host(unit: Partial<UnitObservation> = {}, more: Partial<HostObservation> = {}): HostObservation {
  const { observation } = healthy("web-1", [], "v1");
  if (observation === undefined) throw new Error("a healthy host has spoken");
  return { ...observation, units: observation.units.map((one) => ({ ...one, desired: "v1", ...unit })), ...more };
}

const running = (digest: string, pid: number) => ({ digest, version: digest, build: digest, pid, startedAt: at(0) });

/** What is told of one word after the other, without the first one's. */
function told(...words: readonly HostObservation[]): readonly string[] {
  let known: ToldHost | undefined = observationEvents(host(), undefined, at(0)).told;
  return words.flatMap((word) => {
    const tidings = observationEvents(word, known, at(1));
    known = tidings.told;
    return tidings.events.map(({ kind, sentence }) => `${kind}: ${sentence}`);
  });
}

test("a host's first word is told, and the same word again is not", () => {
  expect(observationEvents(host(), undefined, at(0)).events).toMatchObject([{ kind: "host.joined", host: "web-1" }]);
  expect(told(host(), host())).toEqual([]);
});

test("a process that the keeper started again is told with what the keeper says", () => {
  const again = host({
    running: running("v1", 2),
    reasons: ["v1 in blue crashed and was started again, 1 times so far"],
  });
  expect(told(again, again)).toEqual([
    "unit.restarted: site shop was started again and runs v1, as before: v1 in blue crashed and was started again, 1 times so far",
  ]);
});

test("a process that is gone is told, and so is the one that takes its place", () => {
  const { running: _, ...gone } = host().units[0] ?? { unit: "site:shop", installed: [], reasons: [] };
  const down = host({}, { units: [gone] });
  expect(told(down, down, host({ running: running("v1", 2) }))).toEqual([
    "unit.down: site shop does not run",
    "unit.restarted: site shop was started again and runs v1, as before",
  ]);
});

test("a unit of which nothing has passed here yet, or that is taken back to nothing, is not missed", () => {
  const { running: _, proven: __, ...absent } = host().units[0] ?? { unit: "site:shop", installed: [], reasons: [] };
  const nothing = host({}, { units: [absent] });
  const grants = [{ grant: "r-1/web-1/activate", since: at(0), progress: live }];
  const trial = host({}, { units: [{ ...absent, running: running("v1", 1) }], grants });
  const { told: known } = observationEvents(nothing, undefined, at(0));
  const { told: tried } = observationEvents(trial, known, at(1));
  expect(observationEvents(nothing, tried, at(2)).events).toEqual([]);
});

test("a host that restarts takes all of its units along, and that is told as one thing", () => {
  const units = (pid: number) =>
    (["site:shop", "site:blog", "proxy:shop"] as const).map((unit) => ({
      unit,
      installed: ["v1"],
      desired: "v1",
      proven: "v1",
      running: running("v1", pid),
      reasons: [],
    }));
  const { told: known } = observationEvents(host({}, { units: units(1) }), undefined, at(0));
  const { events } = observationEvents(host({}, { units: units(2) }), known, at(1));
  expect(events).toMatchObject([
    {
      kind: "unit.restarted",
      sentence: "these were started again and run as before: site shop, site blog, proxy of shop",
      details: { sites: ["shop", "blog"], units: [{ unit: "site:shop", pid: 2, before: { pid: 1 } }, {}, {}] },
    },
  ]);
});

test("a break-glass switch is told as drift with its reason, and its end as well", () => {
  const switched = host({ running: running("v0", 3), reasons: ["ada switched it by hand: the new one loses orders"] });
  expect(told(switched, switched, host({ running: running("v1", 4) }))).toEqual([
    "unit.drifted: site shop runs v0, which nobody granted: ada switched it by hand: the new one loses orders",
    "unit.settled: site shop runs v1, as it should",
  ]);
});

test("what a grant starts and stops is told by its rollout alone", () => {
  const trial = host(
    { desired: "v2", running: running("v2", 2) },
    { grants: [{ grant: "r-1/web-1/activate", since: at(0), progress: live }] },
  );
  expect(told(trial, host({ desired: "v2", proven: "v2", running: running("v2", 2) }))).toEqual([]);
});

test("a remark is told when it is made, not for as long as it stands", () => {
  const remarked = host({}, { remarks: ["the ledger could not be read"] });
  expect(told(remarked, remarked)).toEqual(["host.remarked: web-1 says: the ledger could not be read"]);
});

test("a host that falls silent is told once, and once when it is back; one that never spoke is not", () => {
  const { told: known } = observationEvents(host(), undefined, at(0));
  const fallen = silenceEvents("web-1", true, known, at(2));
  expect(fallen?.events).toMatchObject([
    { kind: "host.silent", sentence: expect.stringContaining("web-1 has fallen silent") },
  ]);
  expect(silenceEvents("web-1", true, fallen?.told, at(3))).toBeUndefined();
  expect(silenceEvents("web-1", false, fallen?.told, at(4))?.events).toMatchObject([{ kind: "host.back" }]);
  const { events } = observationEvents(host({ running: running("v1", 2) }), fallen?.told, at(4));
  expect(events.map(({ kind }) => kind)).toEqual(["host.back", "unit.restarted"]);
  expect(silenceEvents("web-9", true, undefined, at(2))).toBeUndefined();
});

test("a drift is told once when it is found and once when it is over, also where it came and went in between", () => {
  const drift = {
    ...({ kind: "configuration-edited", about: "proxy:shop", where: "/run/settings.json" } as const),
    ...{ expected: "sha256:1", found: "sha256:2", since: at(1) },
  };
  const found =
    "drift.found: the configuration of proxy of shop was edited by hand: /run/settings.json is sha256:2, expected sha256:1";
  const over = "drift.over: proxy of shop: /run/settings.json is again as it should be";
  const open = host({}, { drifts: [drift] });
  const closed = host({}, { drifts: [{ ...drift, overSince: at(9) }] });
  expect(told(open, open, closed, closed, host())).toEqual([found, over]);
  expect(told(closed, closed)).toEqual([found, over]);
  expect(told(open, host())).toEqual([found, over]);
  expect(told(closed, host({}, { drifts: [{ ...drift, since: at(20) }] }))).toEqual([found, over, found]);
});

const dayMs = 24 * 60 * 60_000;

/** A host whose front and proxy present one certificate, `days` before its end at first. */
const presenting = (
  digest: string,
  more: Partial<CertificateObservation> = {},
  over: Partial<HostObservation> = {},
) => {
  const running = { digest, validUntil: instant(at(0) + 60 * dayMs) };
  const certificates = [{ name: "shop", running, ...more }];
  const units = (["front", "proxy:shop"] as const).map((unit) => ({ unit, installed: [], reasons: [], certificates }));
  return host({}, { units, ...over });
};

function toldOf(...words: readonly (readonly [HostObservation, number])[]): readonly string[] {
  let known: ToldHost | undefined = observationEvents(presenting("old"), undefined, at(0)).told;
  return words.flatMap(([word, days]) => {
    const tidings = observationEvents(word, JSON.parse(JSON.stringify(known)), instant(at(0) + days * dayMs));
    known = tidings.told;
    return tidings.events.map(({ kind, sentence }) => `${kind}: ${sentence}`);
  });
}

test("a renewed certificate is told once for all that present the old one, and again when it is presented", () => {
  const onDisk = { digest: "renewed", validUntil: instant(at(0) + 90 * dayMs) };
  const renewed = presenting("old", { onDisk, since: at(1) });
  const grants = [{ grant: "r-1/web-1/activate", since: at(0), progress: live }];
  const onTrial = presenting("renewed", {}, { grants });
  expect(toldOf([renewed, 1], [renewed, 2], [onTrial, 2], [renewed, 3], [presenting("renewed"), 4])).toEqual([
    expect.stringMatching(
      /^certificate.renewed: certificate shop was renewed on disk \(until .*\); proxies present the one until .*; it goes live by a rollout: sluice restart --proxies$/,
    ),
    expect.stringMatching(
      /^certificate.activated: certificate shop is presented until .* now by front, proxy of shop$/,
    ),
  ]);
});

test("a pair that can't be used is told once", () => {
  const broken = presenting("old", { problem: "cannot use certificate 'shop': it does not cover shop.example" });
  expect(toldOf([broken, 1], [broken, 1], [presenting("old"), 1])).toEqual([
    expect.stringMatching(/^certificate.unusable: .*it does not cover shop.example; proxies present the one until/),
  ]);
});

test("the end of a certificate is told fourteen days and three days before it, and when it is there", () => {
  const same = presenting("old");
  const days = [10, 45, 47, 50, 56, 58, 59, 61, 70].map((day) => [same, day] as const);
  expect(toldOf(...days)).toEqual([
    expect.stringMatching(
      /^certificate.expiring: certificate shop expires in 13d .*: presented by front, proxy of shop$/,
    ),
    expect.stringMatching(/^certificate.expiring: certificate shop expires in 2d/),
    expect.stringMatching(/^certificate.expired: certificate shop has expired on/),
  ]);
});
