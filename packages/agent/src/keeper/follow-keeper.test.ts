import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { ensureKeeperRunning } from "./ensure-keeper-running.ts";
import { followKeeper } from "./follow-keeper.ts";
import { stampOf } from "./process-stamp.ts";
import { nodeChild, startKeeperFixture, until } from "./testing/keeper-fixture.ts";

test("every start and end of a child is told, and a keeper that is killed is replaced and followed again", async () => {
  await using fixture = await startKeeperFixture();
  const { keeper, dir } = fixture;
  const told: string[] = [];
  const failures: unknown[] = [];
  await using _following = followKeeper(
    {
      keeper,
      ensureRunning: () => ensureKeeperRunning({ dir }),
      clock: nodeClock,
      onFailure: (error) => failures.push(error),
    },
    { moved: () => told.push("moved"), lost: () => told.push("lost") },
  );
  const spec = nodeChild("setInterval(() => {}, 1000)", { restart: "on-exit" });
  const { pid } = await keeper.ensureChild("first", spec);
  await until(() => told.length === 1);
  process.kill(pid ?? 0, "SIGKILL");
  await until(() => told.length === 3);
  expect(told).toEqual(["moved", "moved", "moved"]);

  const before = await keeper.status();
  process.kill(before.pid, "SIGKILL");
  await until(() => stampOf(before.pid) === undefined);
  await until(() => told.includes("lost"));
  // On a busy machine nobody answers for longer than the client asks again.
  await until(async () => (await keeper.status().catch(() => before)).pid !== before.pid);
  told.length = 0;
  await until(async () => {
    await keeper.ensureChild("second", spec);
    await keeper.removeChild("second", 0);
    return told.includes("moved");
  });
});
