import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packRelease } from "@sluice/cli/operator/pack-release";
import { Problem } from "@sluice/core";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pidsOf } from "./support/look-at.ts";
import { openReflectingClient } from "./support/reflection.ts";
import { writeRelease } from "./support/releases.ts";
import { servedOver, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { type TarEntry, tarball } from "./support/tarball.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
  for (const version of ["1", "2"]) await fleet.push("shop", version);
  await fleet.push("shop", "dies", "dies");
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

/** Runs the command line and answers with its exit code, and with what it said when that is another one than expected. */
async function exitOf(expected: number, ...args: readonly string[]): Promise<void> {
  const { exit, lines } = await fleet.sluice(...args);
  expect({ exit, said: exit === expected ? "" : lines.join("\n") }, args.join(" ")).toEqual({
    exit: expected,
    said: "",
  });
  exits.push(exit);
}
const exits: number[] = [];

test("the exit code of every verb says how it ended, and none of them fails a request", async () => {
  const users = startUsers(fleet);
  const folder = await writeRelease(fleet.dir, "shop", "3", "good");
  const file = await fleet.fleetFile();
  await exitOf(0, "release", "push", "shop", "3", folder);
  await exitOf(0, "deploy", "shop", "3");
  await exitOf(0, "status");
  await exitOf(0, "plan", "-f", file);
  await exitOf(3, "plan", "-f", await fleet.fleetFile({ forward: "internal" }));
  await writeFile(file, `${await readFile(file, "utf8")}unknownKey: 1\n`);
  await exitOf(2, "plan", "-f", file);
  await exitOf(2, "apply", "--yes", "-f", file);
  await exitOf(2, "deploy", "shop", "never-pushed");
  await exitOf(2, "deploy");
  await exitOf(6, "deploy", "shop", "dies");
  const [free] = await findFreePorts(1);
  await exitOf(8, "status", "--coordinator", `127.0.0.1:${free}`);
  await exitOf(8, "local", "status", "--data", join(fleet.dir, "nowhere"));
  await exitOf(0, "local", "status", "--data", fleet.host.dir);
  await exitOf(0, "apply", "--yes", "-f", await fleet.fleetFile({ soak: "1m", onRegression: "hold" }));
  await exitOf(5, "deploy", "shop", "dies");
  await exitOf(0, "rollout", "revert", await newestRollout(), "--reason", "test");
  await fleet.untilEnded(await newestRollout());
  await exitOf(4, "deploy", "shop", "2", "--timeout", "2s");
  await exitOf(7, "rollout", "resume", await newestRollout());
  await exitOf(1, "deploy", "shop", "1");
  await exitOf(0, "rollout", "abort", await newestRollout(), "--reason", "test");
  await exitOf(1, "rollout", "watch", await newestRollout());
  expect(await servedOver(waysTo(fleet.host))).toEqual(["3", "3"]);
  await expectNoneFailed("command line", users, { "verbs run": exits.length });
  expect([...new Set(exits)].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

async function newestRollout(): Promise<string> {
  const [newest] = await fleet.client.listRollouts({ activeOnly: false, site: undefined, limit: 1 });
  return newest?.id ?? "none";
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const good: TarEntry = { kind: "file", path: "site.json", text: "{}" };
const traversal = tarball([good, { kind: "file", path: "../../evil", text: "x" }]);
const absolute = tarball([good, { kind: "file", path: "/tmp/sluice-evil", text: "x" }]);
const link = tarball([good, { kind: "link", path: "etc", target: "/etc" }]);
const behindLink = tarball([
  { kind: "link", path: "up", target: "../.." },
  { kind: "file", path: "up/evil", text: "x" },
]);
const whole = tarball([good]);
const half = whole.subarray(0, whole.length / 2);

test.each([
  ["of which half is missing", whole, { sent: half }, "artifact-truncated", "bytes were announced"],
  ["that is cut off", half, {}, "artifact-truncated", "not a whole gzipped tarball"],
  ["with another digest", whole, { digest: digestOf(half) }, "artifact-digest-mismatch", digestOf(whole)],
  ["with a path that leads outside", traversal, {}, "artifact-path-escape", "../../evil"],
  ["with an absolute path", absolute, {}, "artifact-path-escape", "/tmp/sluice-evil"],
  ["with a link that leads outside", link, {}, "artifact-path-escape", "/etc"],
  ["with a file behind a link", behindLink, {}, "artifact-path-escape", "up"],
] as const)("a release %s is refused with the reason, and nothing is changed", async (_, bytes, lie, reason, words) => {
  const shelf = join(fleet.dir, "coordinator", "artifacts");
  const before = { files: await readdir(shelf), releases: await releases(), pids: await pidsOf(fleet) };
  const { sent = bytes, digest = digestOf(bytes) }: { sent?: Buffer; digest?: string } = lie;
  const pushed = fleet.client.pushRelease({ site: "shop", version: "bad", digest, bytes: bytes.length }, sent);
  const problem = await pushed.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ reason, message: expect.stringContaining(words) });
  expect({ files: await readdir(shelf), releases: await releases(), pids: await pidsOf(fleet) }).toEqual(before);
  await expect(fleet.beginDeploy("shop", "bad")).rejects.toMatchObject({ reason: "release-unknown" });
  for (const path of [join(fleet.dir, "evil"), join(fleet.dir, "coordinator", "evil"), "/tmp/sluice-evil"]) {
    expect(existsSync(path)).toBe(false);
  }
});

const releases = async () => (await fleet.client.listReleases("shop")).releases.map(({ version }) => version);

test("a version that was refused can be pushed right, and then names that content for ever", async () => {
  const right = await packRelease(await writeRelease(fleet.dir, "shop", "bad", "good"));
  const open = { site: "shop", version: "bad", digest: right.digest, bytes: right.tarball.length };
  expect(await fleet.client.pushRelease(open, right.tarball)).toMatchObject({ existed: false });
  expect(await fleet.client.pushRelease(open, right.tarball)).toMatchObject({ existed: true });
  const other = { ...open, digest: digestOf(whole), bytes: whole.length };
  await expect(fleet.client.pushRelease(other, whole)).rejects.toMatchObject({ reason: "release-conflict" });
});

test("a stranger with nothing but the address finds the services, asks for health, and reads the status", async () => {
  using stranger = openReflectingClient(fleet.address);
  const services = await stranger.services();
  expect(services).toEqual(
    expect.arrayContaining([
      "grpc.health.v1.Health",
      "sluice.agent.v1.AgentService",
      "sluice.operator.v1.OperatorService",
    ]),
  );
  const status = await stranger.call("sluice.operator.v1.OperatorService", "GetStatus", {});
  expect(status).toMatchObject({ fleet: "e2e", hosts: [{ host: "h1", connected: true }] });
  const health = await stranger.call("grpc.health.v1.Health", "Check", {
    service: "sluice.operator.v1.OperatorService",
  });
  expect(health).toMatchObject({ status: "SERVING" });
});
