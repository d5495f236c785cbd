import {
  GetStatusResponse,
  type HostStatus,
  type UnitStatus,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import pc from "picocolors";
import { expect, test } from "vitest";
import { renderStatus } from "./render-status.ts";

const shape = {
  nowMs: 600_000,
  columns: Number.POSITIVE_INFINITY,
  clock: (ms: number) => new Date(ms).toISOString().slice(11, 19),
  colors: pc.createColors(false),
  isByUnit: false,
};

const unit = (name: string, running: string, over: Partial<UnitStatus> = {}): Partial<UnitStatus> => ({
  ...{ unit: name, desired: running, installed: [running], running, proven: running },
  ...{ condition: "in-sync", sentence: `${name} runs ${running}` },
  ...over,
});

const shop = (version: string, over: Partial<UnitStatus> = {}): readonly Partial<UnitStatus>[] => [
  unit("site:shop", version, over),
  unit("proxy:shop", "settings a"),
];

const host = (name: string, units: readonly Partial<UnitStatus>[], over: Partial<HostStatus> = {}): object => ({
  ...{ host: name, environment: name.startsWith("at") ? "acceptance" : "production", connected: true, units },
  ...over,
});

function shown(hosts: readonly object[], more: object = {}, options: Partial<typeof shape> = {}): string {
  const status = { fleet: "acme", environments: ["acceptance", "production"], hosts: [...hosts], ...more };
  return renderStatus(GetStatusResponse.fromPartial(status), { ...shape, ...options });
}

const pending = {
  desired: "2.4.0",
  condition: "pending-activation",
  sentence: "site shop 2.4.0 is pending activation for 9m; 2.3.0 runs: waiting for a grant",
};

test("status is a matrix of hosts and sites, with a reason for all that is not in sync", () => {
  const edited =
    "proxy of shop runs settings a; the configuration of proxy of shop was edited by hand: /x is b, expected a";
  const hosts = [
    host("at-1", [...shop("2.4.0"), unit("site:blog", "1.0"), unit("front", "f1")]),
    host("web-1", [...shop("2.4.0", { condition: "unproven", sentence: "on its way" }), unit("front", "f1")]),
    host("web-2", [...shop("2.3.0", pending), unit("front", "f1")]),
    host("web-3", [
      unit("site:shop", "2.3.0"),
      unit("proxy:shop", "settings a", { condition: "drifted", sentence: edited }),
      unit("site:blog", "", { condition: "idle", running: undefined }),
    ]),
  ];
  expect(shown(hosts)).toBe(
    `fleet acme: acceptance → production

ENVIRONMENT  HOST   BLOG  SHOP                   FRONT
acceptance   at-1   1.0   2.4.0                  f1
production   web-1        2.4.0 on trial         f1
production   web-2        2.3.0 → 2.4.0 pending  f1
production   web-3  -     2.3.0, proxy drifted

web-1: unproven: on its way
web-2: pending-activation: site shop 2.4.0 is pending activation for 9m; 2.3.0 runs: waiting for a grant
web-3: drifted: ${edited}`,
  );
});

test("hosts that stand alike are one row, and what is to be said of several is said once", () => {
  const hosts = Array.from({ length: 40 }, (_, index) => {
    const sentence = pending.sentence.replace("9m", `${index + 1}m`);
    return host(`web-${index + 1}`, shop("2.3.0", { ...pending, sentence }));
  });
  const lines = shown([host("at-1", shop("2.4.0")), ...hosts, host("web-41", shop("2.4.0"))]).split("\n");
  expect(lines.filter((line) => line.startsWith("production"))).toEqual([
    "production   web-1 … web-40 (40 hosts)  2.3.0 → 2.4.0 pending",
    "production   web-41                     2.4.0",
  ]);
  expect(lines.at(-1)).toBe(
    "web-1, web-2 and 38 more: pending-activation: site shop 2.4.0 is pending activation for 1m; 2.3.0 runs: waiting for a grant",
  );
});

test("hosts that are cut off or drained say so beside their name, and cost no line of reasons for each unit", () => {
  const silent = { condition: "silent", sentence: "host is silent for 3m; last known: site shop runs 2.4.0" };
  const drain = { host: "web-2", by: "ada", reason: "new disk", phase: "drained", sentence: "web-2 is drained" };
  const hosts = [
    host("web-1", shop("2.4.0", silent), { connected: false, lastSeenMs: 420_000 }),
    host("web-2", shop("2.4.0"), { drain } as unknown as Partial<HostStatus>),
    host("web-3", [], { connected: false }),
  ];
  expect(shown(hosts)).toBe(
    `fleet acme: acceptance → production

ENVIRONMENT  HOST                    SHOP
production   web-1 (cut off for 3m)  2.4.0 unknown
production   web-2 (drained)         2.4.0
production   web-3 (never seen)

! web-2: drained by ada (new disk): web-2 is drained`,
  );
});

test("a release that is kept startable is named with until when, by the host that keeps it for the shortest time", () => {
  const kept = (untilMs: number) => ({ previous: "2.3.0", previousUntilMs: untilMs });
  const hosts = [
    host("web-1", shop("2.4.0", kept(1_320_000))),
    host("web-2", shop("2.4.0", kept(1_200_000))),
    host("web-3", shop("2.4.0", kept(600_000))),
  ];
  expect(shown(hosts).split("\n").at(-1)).toBe(
    "site shop 2.3.0 is kept startable on web-1 and web-2 until 00:20 (10m more)",
  );
});

test("sites that don't fit beside each other come in tables below each other", () => {
  const units = ["alpha", "beta", "gamma"].flatMap((site) => [unit(`site:${site}`, "release-2026-11-26")]);
  const text = shown([host("web-1", units)], {}, { columns: 70 });
  expect(text.split("\n\n").slice(1)).toEqual([
    "ENVIRONMENT  HOST   ALPHA               BETA\nproduction   web-1  release-2026-11-26  release-2026-11-26",
    "ENVIRONMENT  HOST   GAMMA\nproduction   web-1  release-2026-11-26",
  ]);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(70);
});

test("what the agent remembers was edited by hand belongs to no site and is told of the host", () => {
  const drift = { kind: "state-edited", about: "host", where: "/a/intent.json", expected: "x", found: "y", sinceMs: 1 };
  const observation = { remarks: [], drifts: [drift, { ...drift, where: "/a/ledger.json", overSinceMs: 2 }] };
  const text = shown([host("web-1", shop("1"), { observation } as unknown as Partial<HostStatus>)]);
  expect(text.split("\n").at(-1)).toBe("! web-1: state-edited: /a/intent.json is y, expected x");
});
