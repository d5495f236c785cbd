import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import { type HandoverPlace, handOver } from "./hand-over.ts";

/** A keeper that keeps nothing, and notes what becomes of it. */
async function placeOf(withinMs: number): Promise<{ readonly place: HandoverPlace; readonly done: readonly string[] }> {
  const dir = await mkdtemp(join(tmpdir(), "sl-handover-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const keeper = {
    ...{ whenInCharge: note("is in charge"), stepBack: note("steps back"), takeCharge: note("takes charge") },
    fds: () => [],
    state: () => ({ version: 1 as const, keeper: { pid: 1, stamp: "" }, sockets: [], children: [] }),
  };
  const socketPath = join(dir, "keeper.sock");
  return { place: { keeper, socketPath, clock: nodeClock, reclaim: note("reclaims"), withinMs }, done };
}

const back = ["is in charge", "steps back", "reclaims", "takes charge"];
const run = (code: string) => ({ command: process.execPath, args: ["-e", code] });

test("a successor that does not answer in time may be asked again, and the keeper before is in charge meanwhile", async () => {
  const { place, done } = await placeOf(100);
  await expect(handOver(place, run("setInterval(() => undefined, 1000)"))).rejects.toMatchObject({
    reason: "deadline-passed",
    retryHelps: true,
  });
  expect(done).toEqual(back);
});

test("a successor that ends is no matter of time", async () => {
  const { place, done } = await placeOf(60_000);
  await expect(handOver(place, run("process.exit(4)"))).rejects.toMatchObject({
    reason: "spawn-failed",
    cause: { message: "the successor ended with 4" },
  });
  expect(done).toEqual(back);
});
