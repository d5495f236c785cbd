import { setTimeout as delay } from "node:timers/promises";
import type { BenchWorld } from "../bench-world.ts";
import { type BenchFleet, startBenchFleet } from "../fleet/start-bench-fleet.ts";
import { type PacedReport, type PacedTarget, startPacedLoad } from "../load/paced-load.ts";
import { type PeerKind, peerKinds, startPeer } from "../peers/peer.ts";
import { type Certificate, makeCertificate } from "../slots/certificate.ts";
import type { SlotPorts } from "../slots/slot-ports.ts";
import { startSlowSlots } from "../slots/start-slow-slots.ts";
import {
  type EngineTarget,
  engineNames,
  shapes,
  startEngineTarget,
  targetName,
} from "../targets/start-engine-target.ts";

const suite = "failures";
/** Every engine change is one of both, and asked on both kinds of port. */
const bothEngines = "node and haproxy, own port and shared port";
/** A steady rate that leaves the machine time for the changes. */
const requestsPerSecond = 400;
const clients = 60;
/** Shortest time between two changes, so that requests meet every moment of each. */
const changeEveryMs = 150;
/** A reloading peer gets as much time as its operators would give it. */
const reloadEveryMs = 500;
/** The load goes on after the last change, so that what drains is seen as well. */
const afterglowMs = 1500;
/** What the agent orders, with a limit that no request here needs. */
const drainOrder = { graceMs: 1000, limitMs: 10_000 };
/** Of one site; more predecessors than these wait until one is gone. */
const drainingMax = 3;

/** Requests that fail while what serves them is changed: ours and, over the same load, what others call a reload. */
export async function runFailures(world: BenchWorld): Promise<void> {
  await using started = new AsyncDisposableStack();
  const slots = started.use(await startSlowSlots(world));
  const certificate = await makeCertificate(world);
  for (const engine of engineNames) {
    for (const shape of shapes) {
      if (!switchesAndRestarts(world).some((workload) => world.wants(targetName(engine, shape), workload))) continue;
      await using target = await startEngineTarget(engine, shape, slots, certificate);
      await switchUnderLoad(world, target);
      await restartUnderLoad(world, target);
    }
  }
  await changeEngineUnderLoad(world, slots);
  for (const kind of [peerKinds.nginx, peerKinds.caddy, peerKinds.haproxyMinimal, peerKinds.haproxyIdleClose]) {
    await reloadUnderLoad(world, kind, slots, certificate);
  }
}

const switchesOf = ({ effort }: BenchWorld): string => `${effort.switches} switches`;
const restartsOf = ({ effort }: BenchWorld): string => `${effort.restarts} proxy restarts`;
const engineChangesOf = ({ effort }: BenchWorld): string => `${effort.engineChanges} engine changes`;
const switchesAndRestarts = (world: BenchWorld): readonly string[] => [switchesOf(world), restartsOf(world)];

interface Changes {
  /** `100 switches`. */
  readonly workload: string;
  readonly target: string;
  readonly count: number;
  readonly everyMs: number;
  readonly targets: readonly PacedTarget[];
  change(index: number): Promise<unknown>;
}

async function switchUnderLoad(world: BenchWorld, target: EngineTarget): Promise<void> {
  const count = world.effort.switches;
  await changeUnderLoad(world, {
    ...{ workload: switchesOf(world), target: target.name, count, everyMs: changeEveryMs },
    targets: [{ port: target.port, hostName: "localhost" }],
    change: (index) => target.switchTo(index % 2 === 0 ? "green" : "blue"),
  });
}

async function restartUnderLoad(world: BenchWorld, { name, port, site }: EngineTarget): Promise<void> {
  const count = world.effort.restarts;
  const draining: Promise<number | null>[] = [];
  await changeUnderLoad(world, {
    ...{ workload: restartsOf(world), target: name, count, everyMs: changeEveryMs },
    targets: [{ port, hostName: "localhost" }],
    async change(index) {
      const part = site.parts[index % site.parts.length];
      if (part === undefined) return;
      draining.push((await site.replace(part, drainOrder)).ended);
      if (draining.length > drainingMax) await draining.shift();
    },
  });
}

/** Through rollouts, since an engine is a setting: both the site's own port and the shared one are asked. */
async function changeEngineUnderLoad(world: BenchWorld, slots: SlotPorts): Promise<void> {
  if (!world.wants(bothEngines, engineChangesOf(world))) return;
  await using fleet = await startBenchFleet(world, { engine: "node", slots, pace: "quick" });
  await fleet.grow(1);
  const count = world.effort.engineChanges;
  await changeUnderLoad(world, {
    ...{ workload: engineChangesOf(world), target: bothEngines, count },
    everyMs: changeEveryMs,
    targets: targetsOf(fleet),
    change: (index) => fleet.change({ engine: index % 2 === 0 ? "haproxy" : "node" }),
  });
}

function targetsOf(fleet: BenchFleet): readonly PacedTarget[] {
  return fleet.sites.flatMap(({ ownPort, ownName, sharedName }) => [
    { port: ownPort, hostName: ownName },
    ...(sharedName === undefined ? [] : [{ port: fleet.sharedPort, hostName: sharedName }]),
  ]);
}

async function reloadUnderLoad(
  world: BenchWorld,
  kind: PeerKind,
  slots: SlotPorts,
  certificate: Certificate,
): Promise<void> {
  const count = world.effort.reloads;
  if (!world.wants(kind.name, `${count} reloads`)) return;
  await using peer = await startPeer(world, kind, slots, certificate);
  await changeUnderLoad(world, {
    ...{ workload: `${count} reloads`, target: kind.name, count, everyMs: reloadEveryMs },
    targets: [{ port: peer.port, hostName: "localhost" }],
    change: (index) => peer.reloadTo(index % 2 === 0 ? "green" : "blue"),
  });
}

async function changeUnderLoad(world: BenchWorld, changes: Changes): Promise<void> {
  const { workload, target, count, everyMs, targets } = changes;
  if (!world.wants(target, workload)) return;
  world.say(`${suite}: ${target}, ${workload}`);
  const load = await startPacedLoad({ targets, requestsPerSecond, clients });
  const startedAt = performance.now();
  for (let index = 0; index < count; index += 1) {
    await Promise.all([changes.change(index), delay(everyMs)]);
  }
  await delay(afterglowMs);
  const seconds = (performance.now() - startedAt) / 1000;
  const report = await load.stop();
  note(world, { workload, target, count }, report, seconds);
}

function note(
  { measurements, say }: BenchWorld,
  { workload, target, count }: { readonly workload: string; readonly target: string; readonly count: number },
  { failures, ...report }: PacedReport,
  seconds: number,
): void {
  measurements.add({ suite, workload, target }, 1, { ...report, changes: count, seconds });
  for (const [kind, times] of Object.entries(failures)) {
    say(`  failed ${times} ×: ${kind}`);
    measurements.add({ suite, workload, target }, 1, { [`failed: ${kind}`]: times });
  }
}
