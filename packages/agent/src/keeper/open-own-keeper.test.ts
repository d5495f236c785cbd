import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { programRelease } from "@sluice/core/programs/program-release";
import { instant } from "@sluice/core/units/time";
import { sha256Text } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import { releaseFolder } from "../install/site-content.ts";
import { keeperCommand } from "./ensure-keeper-running.ts";
import type { KeeperStatus, KeptChild } from "./keeper-api.ts";
import { openOwnKeeper } from "./open-own-keeper.ts";

async function hostWith(status: Partial<KeeperStatus> = {}, refusal: Error = new Error("nobody asks for it")) {
  const dataDir = await mkdtemp(join(tmpdir(), "sl-own-keeper-"));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const whole: KeeperStatus = {
    ...{ build: "1.0.0", pid: 1, startedAt: instant(0), sockets: [], children: [], remarks: [] },
    ...status,
  };
  const handover = () => Promise.reject(refusal);
  const open = (isAgentPushed: boolean) =>
    openOwnKeeper({ dataDir, keeper: { status: async () => whole, handover }, isAgentPushed });
  return { dataDir, own: open(false), open };
}

const child = (id: string, pid: number | null): KeptChild => ({
  ...{ id, phase: pid === null ? "restarting" : "running", pid, startedAt: instant(0), retryAt: null, adopted: true },
  ...{ restarts: 0, lastExit: null, command: "node", args: [], cwd: "/", sockets: [], restart: "on-exit" },
});

/** Above the largest that Linux gives. */
const nobody = 4_194_305;

test("a successor has lost sockets that it can't give away, and processes that live on without it; not what has ended", async () => {
  const { own } = await hostWith({
    sockets: [
      { name: "web", kind: "unix", path: "/web" },
      { name: "orphan", kind: "unix", path: "/orphan", orphaned: true, heldBy: ["a"] },
    ],
    children: [child("kept", process.pid), child("crashed", null), child("renewed", 7)],
  });
  const children = { kept: process.pid, crashed: nobody, renewed: nobody, removed: nobody };
  expect(await own.lostOf({ sockets: ["web"], children })).toEqual([]);
  expect(await own.lostOf({ sockets: ["web", "orphan", "gone"], children: { unknown: process.pid } })).toEqual([
    "socket orphan",
    "socket gone",
    `child unknown (pid ${process.pid})`,
  ]);
});

test("what is started is what was proven, whichever agent asks, and what was installed by hand once its files are gone", async () => {
  const { dataDir, own, open } = await hostWith();
  expect(await own.startCommand()).toEqual(keeperCommand());
  const files = { artifact: sha256Text("x"), entry: "main.mjs" };
  const release = programRelease("keeper", "2.0.0", files, sha256Text);
  await own.tell(release);
  expect(await own.startCommand()).toEqual(keeperCommand());
  const folder = releaseFolder(dataDir, files.artifact);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "main.mjs"), "");
  for (const another of [own, open(true), open(false)]) {
    const [, ...started] = await another.startCommand();
    expect(started).toEqual([join(folder, "main.mjs"), "keeper", "--release", release.digest]);
  }
});

test.each([
  ["deadline-passed", true, "the keeper before goes on: did not answer within 15 s"],
  ["spawn-failed", false, "the keeper before goes on: ended with 4"],
] as const)("a handover that failed by %s may be tried again: %s", async (reason, retryHelps, message) => {
  const [, cause = ""] = message.split(": ");
  const { own } = await hostWith({}, new Problem(reason, "cannot hand over", { cause: new Error(cause) }));
  const files = { artifact: sha256Text("x"), entry: "main.mjs" };
  const handedOver = own.handOver(programRelease("keeper", "2.0.0", files, sha256Text), "g");
  await expect(handedOver).rejects.toMatchObject({ retryHelps, message });
});

test("a keeper that does not say what it is, is nothing that could be changed", async () => {
  const { own } = await hostWith();
  expect(await own.seen()).toBeUndefined();
  const { own: tells } = await hostWith({ program: { release: "sha256:a", file: "/keeper.mjs", trial: "g" } });
  expect(await tells.seen()).toMatchObject({ digest: "sha256:a", version: "1.0.0", trial: "g" });
});
