import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { EngineName } from "@sluice/core";
import type { BenchWorld } from "../bench-world.ts";
import type { BenchSite } from "../fleet/bench-fleet-file.ts";
import { type BenchFleet, type HostProcesses, startBenchFleet } from "../fleet/start-bench-fleet.ts";
import { cpuMsOf, pssBytesOf, rssBytesOf } from "../machine/processes.ts";
import { startNginxSlots } from "../slots/start-nginx-slots.ts";
import { engineNames } from "../targets/start-engine-target.ts";

const suite = "footprint";
const megabyte = 1024 * 1024;
/** Draining predecessors and what an activation leaves behind are gone by then, and the agent has gone through a few rounds at rest. */
const settleMs = 30_000;
/** 100 sites on a small machine. */
const coldStartMs = 600_000;

/** Memory and idle CPU time of a host with more and more sites, and how fast it is back after a power cut. */
export async function runFootprint(world: BenchWorld): Promise<void> {
  await using slots = await startNginxSlots(world);
  const sitesMax = Math.max(...world.effort.siteCounts);
  for (const engine of engineNames.filter((name) => world.wants(name, suite))) {
    await using fleet = await startBenchFleet(world, { engine, slots, pace: "default", sitesMax });
    for (const count of world.effort.siteCounts) {
      world.say(`${suite}: ${engine}, ${count} sites`);
      const startedAt = performance.now();
      await fleet.grow(count);
      const rolloutSeconds = (performance.now() - startedAt) / 1000;
      await delay(settleMs);
      const subject = { suite, workload: `${count} sites`, target: engine } as const;
      world.measurements.add(subject, 1, { rolloutSeconds, ...(await restingCosts(world, fleet, count)) });
    }
    await timeColdStart(world, fleet, engine);
  }
}

async function restingCosts(
  { effort }: BenchWorld,
  fleet: BenchFleet,
  count: number,
): Promise<Readonly<Record<string, number>>> {
  const processes = await fleet.processes();
  const share = await idlePercents(processes, effort.idleSeconds);
  const pss = (pids: readonly number[]): number => pssBytesOf(pids) / megabyte;
  return {
    siteProxiesMb: pss(processes.siteProxies),
    perSiteMb: pss(processes.siteProxies) / count,
    frontMb: pss(processes.front),
    keeperMb: pss(processes.keeper),
    agentMb: pss(processes.agent),
    agentRssMb: rssBytesOf(fleet.agentPid) / megabyte,
    ...share,
  };
}

/** CPU time of each group while nothing but the agent's probes happens, in percent of a core. */
async function idlePercents(processes: HostProcesses, seconds: number): Promise<Readonly<Record<string, number>>> {
  const groups = Object.entries(processes) as [keyof HostProcesses, readonly number[]][];
  const before = groups.map(([, pids]) => cpuMsOf(pids));
  await delay(seconds * 1000);
  return Object.fromEntries(
    groups.map(([name, pids], index) => [`${name}CpuPercent`, (cpuMsOf(pids) - (before[index] ?? 0)) / (seconds * 10)]),
  );
}

/** From the start of the agent until every site answers on its own port; nothing else runs on the host before. */
async function timeColdStart(world: BenchWorld, fleet: BenchFleet, engine: EngineName): Promise<void> {
  const count = fleet.sites.length;
  world.say(`${suite}: ${engine}, cold start of ${count} sites`);
  await fleet.cutPower();
  const startedAt = performance.now();
  await fleet.startAgent();
  await allAnswer(fleet.sites, startedAt);
  const coldStartSeconds = (performance.now() - startedAt) / 1000;
  world.measurements.add({ suite, workload: `${count} sites`, target: engine }, 1, { coldStartSeconds });
}

async function allAnswer(sites: readonly BenchSite[], startedAt: number): Promise<void> {
  let silent = sites;
  while (silent.length > 0) {
    const answers = await Promise.all(silent.map(isServed));
    silent = silent.filter((_, index) => answers[index] !== true);
    if (performance.now() - startedAt > coldStartMs) {
      throw new Error(
        `${silent.length} of ${sites.length} sites do not answer ${coldStartMs / 1000} s after the start`,
      );
    }
    await delay(20);
  }
}

function isServed({ ownPort, ownName }: BenchSite): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port: ownPort, agent: false, headers: { Host: ownName }, timeout: 1000 };
    const asked = request(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
