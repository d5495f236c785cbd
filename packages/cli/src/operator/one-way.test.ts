import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";

const oneWay = "orders are split into two tables";
const digest = `sha256:${"0".repeat(64)}`;

test("a deployment says of its release that it is one-way, and nothing where it does not know", async () => {
  const deploy = { unary: { deploy: () => ({ rolloutId: "r-1" }) } };
  const said = await runAgainst("/", deploy, ["deploy", "shop", "2.0.0", "--one-way", oneWay, "--detach"]);
  expect(said.asked[0]?.request).toMatchObject({ version: "2.0.0", oneWay });
  const silent = await runAgainst("/", deploy, ["deploy", "shop", "2.0.0", "--detach"]);
  expect(silent.asked[0]?.request).toMatchObject({ oneWay: undefined });
});

test("the list of releases says which can't be reverted, and why", async () => {
  const release = { site: "shop", digest, bytes: 10, pushedAtMs: 0 };
  const releases = [
    { ...release, version: "2.0.0", oneWay },
    { ...release, version: "1.0.0" },
  ];
  const { world } = await runAgainst("/", { unary: { listReleases: () => ({ releases }) } }, [
    "release",
    "list",
    "shop",
  ]);
  const lines = world.out().trim().split("\n");
  expect(lines[0]).toMatch(/REVERTIBLE$/);
  expect(lines[1]).toMatch(new RegExp(`^2\\.0\\.0 .*no: ${oneWay}$`));
  expect(lines[2]).toMatch(/^1\.0\.0 .*yes$/);
});

test("a held rollout is kept by a word with a reason, and shows that it is one-way", async () => {
  const rollout = rolloutOf({ phase: "aborted", statusLine: "ended and kept by eve: mended by 2.0.1", oneWay });
  const args = ["rollout", "keep", "r-1", "--reason", "mended by 2.0.1"];
  const kept = await runAgainst("/", { unary: { commandRollout: () => ({ rollout }) } }, args);
  expect(kept.asked[0]?.request).toMatchObject({ id: "r-1", verb: "keep", reason: "mended by 2.0.1" });
  expect(kept.world.out()).toBe("r-1: ended and kept by eve: mended by 2.0.1\n");
  const shown = await runAgainst("/", { unary: { getRollout: () => ({ rollout }) } }, ["rollout", "show", "r-1"]);
  expect(shown.world.out()).toContain(`  one-way: ${oneWay}\n`);
});

test("a push carries it with the first message", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-push-"));
  await writeFile(join(dir.path, "server.js"), "1");
  const pushed = () => ({ digest, existed: false });
  const { asked } = await runAgainst(dir.path, { pushed }, [
    "release",
    "push",
    "shop",
    "2.0.0",
    ".",
    "--one-way",
    oneWay,
  ]);
  expect(asked[0]?.request).toMatchObject({ site: "shop", oneWay });
});
