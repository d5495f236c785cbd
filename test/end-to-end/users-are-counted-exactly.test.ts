import type { HostHealth, TrafficHealth } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { directName, internalName, publicName } from "./support/fleet-text.ts";
import { ask, type Way } from "./support/fresh-requests.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";

const haproxy = await installedHaproxy();
const site = "shop";

/** What users of each binding are to be answered: so often 200, so often 404. */
interface Wanted {
  readonly binding: string;
  readonly ok: number;
  readonly missing: number;
}

const plan: readonly Wanted[] = [
  { binding: internalName(site), ok: 7, missing: 3 },
  { binding: publicName(site), ok: 5, missing: 0 },
  { binding: directName(site), ok: 11, missing: 4 },
];

async function deployFirst(fleet: Fleet): Promise<void> {
  await fleet.push(site, "1");
  await fleet.deploy(site, "1");
}

async function sendPlan({ host }: Fleet): Promise<void> {
  for (const { binding, ok, missing } of plan) {
    const port = binding === directName(site) ? (host.ownPorts[site] ?? 0) : host.sharedPort;
    const way: Way = { name: binding, port, hostName: binding };
    for (const path of [...Array<string>(ok).fill("/"), ...Array<string>(missing).fill("/nowhere")]) {
      const answer = await ask(way, path);
      expect(answer.statusCode).toBe(path === "/" ? 200 : 404);
      await answer.toArray();
    }
  }
}

async function restartProxies(fleet: Fleet): Promise<void> {
  const { rolloutIds } = await fleet.client.restart({
    ...{ site: undefined, proxies: true, reason: undefined, toEnvironment: undefined },
  });
  expect(rolloutIds.length).toBeGreaterThan(0);
  for (const id of rolloutIds) await fleet.untilCompleted(id);
}

async function healthOf(fleet: Fleet): Promise<HostHealth> {
  const { hosts } = await fleet.client.getHealth({ site, host: fleet.host.name });
  const [health] = hosts;
  if (health === undefined) throw new Error("the host has no health");
  return health;
}

/** Binding, hop, 200s and 404s; an engine that does not tell kinds of 4xx apart calls a 404 refused. */
function sums({ binding, hop, history }: TrafficHealth) {
  const [ok = 0, , , notFound = 0, , refused = 0] = history?.outcomes ?? [];
  return [binding, hop, ok, notFound + refused, history?.requests];
}

const wanted = (times: number) =>
  plan.flatMap(({ binding, ok, missing }) =>
    (binding === directName(site) ? ["proxy"] : ["front", "proxy"]).map((hop) => [
      ...[binding, hop, times * ok, times * missing],
      times * (ok + missing),
    ]),
  );

const counted = async (fleet: Fleet) => (await healthOf(fleet)).traffic.map(sums).sort();

async function untilCounted(fleet: Fleet, times: number): Promise<void> {
  const all = JSON.stringify(wanted(times).sort());
  let seen: unknown;
  await eventually(`everything is counted ${times} times`, async () => {
    seen = await counted(fleet);
    return JSON.stringify(seen) === all;
  }).catch(async (error: unknown) => {
    const { droppedBlocks } = await healthOf(fleet);
    expect(seen, `${String(error)} (${droppedBlocks} blocks were told as lost)`).toEqual(wanted(times).sort());
  });
}

// Side by side: each waits for blocks of ten seconds to close.
for (const engine of ["node", "haproxy"] as const) {
  const isMissing = engine === "haproxy" && haproxy === undefined;
  test
    .skipIf(isMissing)
    .concurrent(
      `each request of a user is counted once with ${engine}, over restarts of proxies and coordinator`,
      async () => {
        await using fleet = await startFleet({ engine });
        await deployFirst(fleet);
        await sendPlan(fleet);
        await untilCounted(fleet, 1);

        await fleet.kill("coordinator");
        await sendPlan(fleet);
        await fleet.startInOrder([]);
        await untilCounted(fleet, 2);

        await restartProxies(fleet);
        await sendPlan(fleet);
        await untilCounted(fleet, 3);
        expect(await healthOf(fleet)).toMatchObject({ droppedBlocks: 0 });
      },
    );
}

test.concurrent("every probe of every way is asked in every round, and none is taken for a user", async () => {
  await using fleet = await startFleet();
  await deployFirst(fleet);
  const health = await eventually("there are ten rounds", async () => {
    const found = await healthOf(fleet);
    return found.probes.length > 0 && found.probes.every(({ newest }) => newest.length >= 10) && found;
  });
  const ways = health.probes.map(({ binding, bindingPort, hop, probe }) => [binding, bindingPort, hop, probe]);
  expect(ways.sort()).toEqual(
    [
      ...plan.map(({ binding }) => [binding, binding === directName(site) ? 8080 : 80, "slot", "GET /"]),
      ...[internalName(site), publicName(site)].map((binding) => [binding, 80, "front", "GET /"]),
      [directName(site), 8080, "proxy", "GET /"],
    ].sort(),
  );
  const rounds = health.probes.map(({ newest }) => newest.slice(-5).map(({ roundMs }) => roundMs));
  expect(new Set(rounds.map((list) => list.join()))).toHaveLength(1);
  expect(health.probes.flatMap(({ newest }) => newest).filter(({ outcome }) => outcome?.$case !== "good")).toEqual([]);
  expect(health.traffic.every(({ history }) => history?.requests === 0)).toBe(true);
});
