import { GetStatusResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { expect, test } from "vitest";
import { runAgainst } from "../testing/run-against.ts";

const quiet = { host: "web-1", environment: "production", connected: true, observation: { atBoot: { changes: [] } } };
const unproven = { about: "site:shop", kind: "changes", sentence: "site shop 1.0.0 would run" };
const foreign = { about: "site:old", kind: "not-ours", sentence: "site old is started by somebody else" };
const saying = (host: string, ...changes: readonly object[]) => ({
  ...quiet,
  host,
  observation: { atBoot: { changes } },
});
const silent = { host: "web-3", environment: "production", connected: false, observation: quiet.observation };
const old = { host: "web-4", environment: "production", connected: true, observation: {} };

const forecast = (hosts: readonly object[], ...args: readonly string[]) => {
  const status = GetStatusResponse.fromPartial({ fleet: "acme", environments: ["production"], hosts: [...hosts] });
  return runAgainst("/nonexistent", { unary: { getStatus: () => status } }, ["forecast", ...args]);
};

test("of a fleet that would come back as it is the forecast is nothing, with exit code 0", async () => {
  const { exit, world, asked } = await forecast([quiet], "--host", "web-1");
  expect(world.out()).toBe("web-1 (production): nothing would change\n");
  expect(exit).toBe(0);
  expect(asked[0]?.request).toEqual({ site: undefined, host: "web-1" });
});

test("what would change, and what is not ours to say, is named with exit code 3", async () => {
  const { exit, world } = await forecast([quiet, saying("web-2", unproven, foreign), saying("web-5", foreign)]);
  expect(world.out().split("\n")).toEqual([
    "web-1 (production): nothing would change",
    "web-2 (production): a reboot would change",
    "  site shop 1.0.0 would run",
    "  site old is started by somebody else (not under Sluice's control)",
    "web-5 (production): nothing of ours would change, but",
    "  site old is started by somebody else (not under Sluice's control)",
    "",
  ]);
  expect(exit).toBe(3);
});

test("a host that does not say is not one that would not change: exit code 8, whatever it said last", async () => {
  const { exit, world } = await forecast([quiet, silent, old]);
  expect(world.out().split("\n")).toEqual([
    "web-1 (production): nothing would change",
    "web-3 (production): unknown, the host is silent: never seen",
    "web-4 (production): unknown, its agent has not told what a reboot would change",
    "",
  ]);
  expect(exit).toBe(8);
});

test("--json is one line with every host and its changes", async () => {
  const { world } = await forecast([saying("web-2", unproven)], "--json");
  expect(JSON.parse(world.out())).toEqual({
    hosts: [{ host: "web-2", environment: "production", kind: "told", changes: [unproven] }],
  });
});
