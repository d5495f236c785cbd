import { Agent, request } from "node:http";
import type { BenchWorld } from "../bench-world.ts";
import { startBenchFleet } from "../fleet/start-bench-fleet.ts";
import { type Peer, peerKinds, startPeer } from "../peers/peer.ts";
import { makeCertificate } from "../slots/certificate.ts";
import type { SlotPorts } from "../slots/slot-ports.ts";
import { startNginxSlots } from "../slots/start-nginx-slots.ts";
import { type EngineTarget, engineNames, shapes, startEngineTarget } from "../targets/start-engine-target.ts";

const suite = "changes";
const peers = [peerKinds.haproxyMinimal, peerKinds.nginx, peerKinds.caddy];
/** Far beyond any change; only a defect takes so long. */
const changedMs = 20_000;
/** Predecessors are idle here. */
const drainOrder = { graceMs: 0, limitMs: 5000 };

const rollout = "switch in a rollout";

type Live = "blue" | "green";

/** How long changes take when nobody else is there: from the order until the first request is served by what is new. */
export async function runChanges(world: BenchWorld): Promise<void> {
  await using started = new AsyncDisposableStack();
  const slots = started.use(await startNginxSlots(world));
  const certificate = await makeCertificate(world);
  const engines: EngineTarget[] = [];
  for (const engine of engineNames) {
    for (const shape of shapes) {
      engines.push(started.use(await startEngineTarget(engine, shape, slots, certificate)));
    }
  }
  const others: Peer[] = [];
  for (const kind of peers) others.push(started.use(await startPeer(world, kind, slots, certificate)));
  for (let round = 1; round <= world.effort.timedChanges; round += 1) {
    world.say(`${suite}: round ${round} of ${world.effort.timedChanges}`);
    const live: Live = round % 2 === 0 ? "blue" : "green";
    for (const target of engines.filter(({ name }) => world.wants(name, "")))
      await timeEngine(world, target, live, round);
    for (const peer of others.filter(({ name }) => world.wants(name, "reload")))
      await timeReload(world, peer, live, round);
  }
  await timeRollouts(world, slots);
}

async function timeEngine(
  { measurements }: BenchWorld,
  target: EngineTarget,
  live: Live,
  round: number,
): Promise<void> {
  const firstServedMs = await timeUntil(target.port, live, () => target.switchTo(live));
  measurements.add({ suite, workload: "switch", target: target.name }, round, { firstServedMs });
  for (const part of target.site.parts) {
    const startedAt = performance.now();
    const { ended } = await target.site.replace(part, drainOrder);
    const restartMs = performance.now() - startedAt;
    measurements.add({ suite, workload: `restart of ${part}`, target: target.name }, round, { restartMs });
    await ended;
  }
}

async function timeReload({ measurements }: BenchWorld, peer: Peer, live: Live, round: number): Promise<void> {
  const firstServedMs = await timeUntil(peer.port, live, () => peer.reloadTo(live));
  measurements.add({ suite, workload: "reload", target: peer.name }, round, { firstServedMs });
}

/** Through the agent, as an operator gets it: what it reports from the order to switch until the switch is in force. */
async function timeRollouts(world: BenchWorld, slots: SlotPorts): Promise<void> {
  for (const engine of engineNames.filter((name) => world.wants(name, rollout))) {
    world.say(`${suite}: rollouts, ${engine}`);
    await using fleet = await startBenchFleet(world, { engine, slots, pace: "quick" });
    await fleet.grow(1);
    for (let round = 1; round <= world.effort.timedChanges; round += 1) {
      const rollouts = await fleet.change({ version: round + 1 });
      const steps = rollouts.flatMap(({ stages }) =>
        stages.flatMap(({ waves }) => waves.flatMap((wave) => wave.steps)),
      );
      for (const { switchMs } of steps) {
        world.measurements.add({ suite, workload: rollout, target: engine }, round, { switchMs });
      }
    }
  }
}

/** From giving the order until the end of the first answer of the slot that is to be live. Asks on one kept connection. */
async function timeUntil(port: number, live: Live, order: () => Promise<void>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const startedAt = performance.now();
    const [, servedMs] = await Promise.all([order(), served(port, live, agent, startedAt)]);
    return servedMs;
  } finally {
    agent.destroy();
  }
}

async function served(port: number, live: Live, agent: Agent, startedAt: number): Promise<number> {
  while (performance.now() - startedAt < changedMs) {
    // A connection that the old one closes is no answer of the new one.
    const body = await ask(port, agent).catch(() => undefined);
    if (body === live) return performance.now() - startedAt;
  }
  throw new Error(`'${live}' did not serve within ${changedMs} ms on port ${port}`);
}

function ask(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent, headers: { Host: "localhost" } }, (answer) => {
      let body = "";
      answer.setEncoding("latin1").on("data", (text: string) => {
        body += text;
      });
      answer.on("error", reject);
      answer.on("end", () => resolve(body));
    });
    asked.on("error", reject);
    asked.end();
  });
}
