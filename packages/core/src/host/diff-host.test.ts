import { expect, test } from "vitest";
import { instant } from "../units/time.ts";
import type { CertificateObservation } from "./certificates.ts";
import { diffHost } from "./diff-host.ts";
import type { HostObservation, RunningRelease, UnitObservation } from "./observation.ts";

const now = instant(600_000);
const running = (digest: string): RunningRelease => ({
  digest,
  version: `v-${digest}`,
  build: "b",
  pid: 1,
  startedAt: instant(0),
});
const desired = [{ unit: "site:shop", digest: "new", version: "2.0" }] as const;

const host = (unit?: Partial<UnitObservation>): HostObservation => ({
  host: "web-1",
  at: now,
  agent: { version: "1", startedAt: instant(0) },
  maxFence: 1,
  generation: 1,
  intentDigest: "",
  units: unit === undefined ? [] : [{ unit: "site:shop", installed: ["new", "old"], reasons: [], ...unit }],
  grants: [],
  remarks: [],
});
const only = (unit?: Partial<UnitObservation>) => diffHost(desired, host(unit), now)[0];

test("a unit that runs what is desired and passed is in sync", () => {
  expect(only({ running: running("new"), proven: "new" })).toEqual({
    unit: "site:shop",
    kind: "in-sync",
    sentence: "site shop runs 2.0",
  });
});

test("a unit that runs what is desired but has not passed is unproven", () => {
  expect(only({ running: running("new"), proven: "old" })).toMatchObject({ kind: "unproven" });
});

test("a release on disk that is not live is pending, with its age", () => {
  expect(only({ running: running("old"), proven: "old", pendingSince: instant(0) })).toEqual({
    unit: "site:shop",
    kind: "pending-activation",
    since: 0,
    sentence: "site shop 2.0 is pending activation for 10m; v-old runs",
  });
});

test("a release that is not on disk is not installed, whether or not something runs", () => {
  expect(only({ installed: ["old"], running: running("old"), proven: "old", reasons: ["disk is full"] })).toMatchObject(
    {
      kind: "not-installed",
      sentence: "site shop 2.0 is not installed; v-old runs: disk is full",
    },
  );
  expect(only()).toMatchObject({ kind: "not-installed", sentence: "site shop 2.0 is not installed; nothing runs" });
});

test("something that is neither desired nor proven has drifted", () => {
  expect(only({ running: running("odd"), proven: "old" })).toMatchObject({ kind: "drifted", running: "odd" });
});

test("a proven release that does not run is called out", () => {
  expect(only({ proven: "new", reasons: ["it crashed"] })).toMatchObject({
    kind: "not-running",
    sentence: "site shop does not run, though 2.0 is proven here: it crashed",
  });
});

test("a unit that nobody wants any more has drifted while it runs", () => {
  expect(diffHost([], host({ running: running("old") }), now)).toMatchObject([{ unit: "site:shop", kind: "drifted" }]);
  expect(diffHost([], host({}), now)).toEqual([]);
});

test("of a host that never spoke nothing is claimed", () => {
  expect(diffHost(desired, undefined, now)).toMatchObject([{ kind: "unknown" }]);
});

const day = 24 * 60 * 60_000;
const presented = (more: Partial<CertificateObservation> = {}, days = 60): CertificateObservation => ({
  name: "shop",
  running: { digest: "old", validUntil: instant(now + days * day) },
  ...more,
});
const presenting = (...certificates: readonly CertificateObservation[]) =>
  only({ running: running("new"), proven: "new", certificates });

test("a certificate that was renewed on disk is a pending activation with its age, though the release is in sync", () => {
  const onDisk = { digest: "renewed", validUntil: instant(now + 90 * day) };
  expect(presenting(presented({ onDisk, since: instant(0) }))).toEqual({
    unit: "site:shop",
    kind: "pending-activation",
    since: 0,
    sentence:
      "site shop runs 2.0, with a pending activation for 10m: certificate shop was renewed on disk (until 1970-04-01); proxies present the one until 1970-03-02",
  });
  expect(presenting(presented())).toMatchObject({ kind: "in-sync" });
});

test("a pair on disk that can't be used is told in its own words", () => {
  const problem = "cannot use certificate 'shop': it does not cover shop.example";
  expect(presenting(presented({ problem, since: instant(0) }))).toMatchObject({
    kind: "pending-activation",
    sentence: expect.stringContaining(`10m: ${problem}; proxies present the one until 1970-03-02`),
  });
});

test("a certificate near its end is seen from fourteen days on, and after it", () => {
  expect(presenting(presented({}, 15))).toMatchObject({ kind: "in-sync" });
  expect(presenting(presented({}, 13))).toEqual({
    unit: "site:shop",
    kind: "expiring",
    sentence: "site shop runs 2.0; certificate shop expires in 13d (1970-01-14)",
  });
  expect(presenting(presented({}, -1))).toMatchObject({
    sentence: "site shop runs 2.0; certificate shop has expired on 1969-12-31, and proxies present it",
  });
});
