import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { keeperState } from "@sluice/agent/keeper/keeper-state";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCoordinatorClient } from "../operator/coordinator-client.ts";
import { isRunning, type RecordedProcess, readRecordedProcesses } from "./child-processes.ts";
import { shortTmpdir } from "./dev-folder.ts";
import { endLeftovers } from "./leftovers.ts";
import { type DevFleet, startDevFleet } from "./start-dev-fleet.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(shortTmpdir(), "sl-fleet-"));
});
afterEach(async () => {
  await endLeftovers(dir);
  await rm(dir, { recursive: true, force: true });
});

/** Keepers of all hosts, as their state files name them. */
function keepersOf(fleet: DevFleet): readonly { readonly pid: number; readonly stamp: string }[] {
  return fleet.layout.hosts.map(
    (host) => keeperState.parse(JSON.parse(readFileSync(join(host.dir, "keeper", "state.json"), "utf8"))).keeper,
  );
}

const start = (): Promise<DevFleet> => startDevFleet({ dir, pid: process.pid, log: () => undefined });

test("a dev fleet is up when it has started, and nothing of it is left when it is disposed", {
  timeout: 120_000,
}, async () => {
  let recorded: readonly RecordedProcess[];
  let keepers: readonly { readonly pid: number; readonly stamp: string }[];
  {
    await using fleet = await start();
    using client = openCoordinatorClient(fleet.layout.coordinator, "test");
    const status = await client.getStatus({});
    expect(status.hosts.map((host) => [host.host, host.environment, host.connected])).toEqual([
      ["at-1", "acceptance", true],
      ["web-1", "production", true],
      ["web-2", "production", true],
    ]);
    recorded = readRecordedProcesses(dir);
    keepers = keepersOf(fleet);
    expect(recorded.map((process) => process.name).sort()).toEqual(["at-1", "coordinator", "edge", "web-1", "web-2"]);
    expect([...recorded, ...keepers].every(isRunning)).toBe(true);
  }
  expect([...recorded, ...keepers].filter(isRunning)).toEqual([]);
  expect(existsSync(join(dir, "processes.json"))).toBe(false);
});

test("what a killed owner leaves behind is ended with its keepers", { timeout: 120_000 }, async () => {
  const fleet = await start();
  const keepers = keepersOf(fleet);
  await fleet.kill("web-1");
  const ended = await endLeftovers(dir);
  expect([...ended].sort()).toEqual(["at-1", "coordinator", "edge", "web-2"]);
  expect(keepers.filter(isRunning)).toEqual([]);
});
