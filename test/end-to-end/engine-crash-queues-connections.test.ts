import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { ask, type Exchange, startFreshRequests, type Way } from "./support/fresh-requests.ts";
import { isAlive } from "./support/processes-of.ts";
import { waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { startUsers, tellCounts } from "./support/user-load.ts";

eachEngine((engine) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ engine });
    await fleet.push("shop", "1");
    await fleet.deploy("shop", "1");
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  interface Crash {
    readonly at: number;
    /** When the engine was seen to be gone: whatever is sent later meets the kernel's queue or the next engine. */
    readonly goneAt: number;
    readonly heldOpen: number;
    readonly heldLost: number;
  }

  /** Answers of which the head is there and the body is not, so they are in flight for certain. */
  const heldPerWay = 3;

  test("when an engine is killed its connections are queued, never refused, and nothing but requests in flight is lost", async () => {
    const [front, own] = waysTo(fleet.host);
    const users = startUsers(fleet);
    const fresh = startFreshRequests([front, own]);
    const crashes: Crash[] = [];
    for (const [child, way] of [
      ["proxy-shop", own],
      ["front", front],
      ["proxy-shop", front],
      ["front", front],
      ["proxy-shop", own],
    ] as const) {
      crashes.push(await crash(child, way));
      const sentLater = () => fresh.ended.filter(({ sentAt }) => sentAt > (crashes.at(-1)?.goneAt ?? 0)).length;
      await eventually("100 requests that came later are answered", () => sentLater() >= 100);
    }
    const exchanges = await fresh.stop();
    const report = await users.stop();

    const failed = exchanges.filter(({ failure }) => failure !== undefined);
    const inFlight = exchanges.filter((one) => crashes.some((crash) => isInFlight(one, crash)));
    const held = crashes.reduce((sum, { heldOpen }) => sum + heldOpen, 0);
    const heldLost = crashes.reduce((sum, { heldLost: lost }) => sum + lost, 0);
    console.log(
      `${engine} crashes on fresh connections: crashes ${crashes.length}, sent ${exchanges.length}, in flight ${inFlight.length}, lost ${failed.length}, held open ${held}, of them lost ${heldLost}, slowest ${Math.round(Math.max(...exchanges.map((one) => one.endedAt - one.sentAt)))} ms`,
    );
    tellCounts(`${engine} crashes, all kinds of connections`, report, { crashes: crashes.length, lost: report.failed });

    expect(crashes).toHaveLength(5);
    expect(failed.filter((one) => !inFlight.includes(one))).toEqual([]);
    expect(
      [...failed.map(({ failure }) => failure), ...report.failures.map(({ reason }) => reason)].filter(isRefusal),
    ).toEqual([]);
    expect(heldLost).toBe(held);
    expect(report.ok + report.failed).toBe(report.sent);
  });

  const isInFlight = ({ sentAt, endedAt }: Exchange, { at, goneAt }: Crash): boolean =>
    sentAt <= goneAt && endedAt >= at;

  const isRefusal = (failure: string | undefined): boolean =>
    failure?.includes("ECONNREFUSED") === true ||
    failure?.includes("503") === true ||
    failure?.includes("no answer") === true;

  /** Kills the engine while answers through it are held open, and resolves when another one runs in its place. */
  async function crash(name: string, way: Way): Promise<Crash> {
    const child = await childOf(name);
    const held = await Promise.all(Array.from({ length: heldPerWay }, () => ask(way, "/trickle?ms=15000")));
    const ends = Promise.all(held.map(isCut));
    const at = performance.now();
    process.kill(child.pid, "SIGKILL");
    await eventually(`${child.id} is gone`, () => !isAlive(child.pid), { everyMs: 1 });
    const goneAt = performance.now();
    await eventually(`${child.id} runs again`, async () => (await childOf(name)).pid !== child.pid);
    const cut = await ends;
    return { at, goneAt, heldOpen: held.length, heldLost: cut.filter(Boolean).length };
  }

  async function childOf(name: string): Promise<{ readonly id: string; readonly pid: number }> {
    return eventually(`${name} runs`, async () => {
      const { children } = await fleet.keeper(fleet.host.name).status();
      const child = children.find(({ id, phase }) => id.startsWith(`${name}-`) && phase === "running");
      return typeof child?.pid === "number" && { id: child.id, pid: child.pid };
    });
  }

  /** Whether the answer ended before it was whole. */
  const isCut = (response: IncomingMessage): Promise<boolean> =>
    response.toArray().then(
      () => !response.complete,
      () => true,
    );
});
