import { setTimeout as delay } from "node:timers/promises";
import type { BenchWorld } from "../bench-world.ts";
import { type LoadRun, runLoad } from "../load/run-load.ts";
import { verifyAnswer } from "../load/verify-answer.ts";
import { type Workload, workloads } from "../load/workloads.ts";
import { pin, proxyCore } from "../machine/pin.ts";
import { cpuMsOf } from "../machine/processes.ts";
import { peerKinds, startPeer } from "../peers/peer.ts";
import { makeCertificate } from "../slots/certificate.ts";
import { startNginxSlots } from "../slots/start-nginx-slots.ts";
import type { ProxyTarget } from "../targets/proxy-target.ts";
import { engineNames, shapes, startEngineTarget } from "../targets/start-engine-target.ts";

const suite = "throughput";
const peers = [peerKinds.haproxyMinimal, peerKinds.haproxySameDuties, peerKinds.nginx, peerKinds.caddy];
/** Long enough for a just-in-time compiler to be done with the hot path. */
const warmUpSeconds = 2;
/** Lets what the last run left behind (closing sockets) end before the next is measured. */
const settleMs = 200;

/** Requests a second, latency and CPU time of every proxy alone on its core, round after round in turn. */
export async function runThroughput(world: BenchWorld): Promise<void> {
  await using started = new AsyncDisposableStack();
  const targets = await startTargets(world, started);
  for (const workload of workloads) {
    const wanted = targets.filter((target) => world.wants(target.name, workload.name));
    if (wanted.length > 0) world.say(`${suite}: ${workload.name}`);
    for (const target of wanted) {
      await verifyAnswer(target, workload);
      await runLoad(world.tools, target, workload, Math.min(warmUpSeconds, world.effort.seconds));
    }
    for (let round = 1; round <= world.effort.rounds; round += 1) {
      for (const target of wanted) await measure(world, target, workload, round);
    }
  }
}

async function startTargets(world: BenchWorld, started: AsyncDisposableStack): Promise<readonly ProxyTarget[]> {
  const slots = started.use(await startNginxSlots(world));
  const certificate = await makeCertificate(world);
  const targets: ProxyTarget[] = [];
  for (const engine of engineNames) {
    for (const shape of shapes) {
      const target = started.use(await startEngineTarget(engine, shape, slots, certificate));
      await pin(world.tools, target.pids(), proxyCore);
      targets.push(target);
    }
  }
  for (const kind of peers) targets.push(started.use(await startPeer(world, kind, slots, certificate)));
  return targets;
}

async function measure(world: BenchWorld, target: ProxyTarget, workload: Workload, round: number): Promise<void> {
  await delay(settleMs);
  const subject = { suite, workload: workload.name, target: target.name } as const;
  const pids = target.pids();
  const cpuBefore = cpuMsOf(pids);
  const startedAt = performance.now();
  const run = await runLoad(world.tools, target, workload, world.effort.seconds);
  const tookMs = performance.now() - startedAt;
  const why = whyInvalid(run);
  if (why !== undefined) return world.measurements.addInvalid({ ...subject, round, why });
  const cpuMs = cpuMsOf(pids) - cpuBefore;
  world.measurements.add(subject, round, {
    requestsPerSecond: run.requestsPerSecond,
    p50Ms: run.p50Ms,
    p99Ms: run.p99Ms,
    cpuMicrosPerRequest: (cpuMs * 1000) / run.requests,
    busyPercent: (100 * cpuMs) / tookMs,
  });
}

function whyInvalid({ failed, requests }: LoadRun): string | undefined {
  if (failed > 0) return `${failed} of ${requests} requests failed`;
  return requests === 0 ? "no request was answered" : undefined;
}
