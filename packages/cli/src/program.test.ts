import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProgram, runCli } from "./program.ts";
import { runAgainst } from "./testing/run-against.ts";
import { createTestWorld } from "./testing/test-world.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("deploying what runs everywhere already is done at once", async () => {
  const { exit, world } = await runAgainst(folder, { unary: { deploy: () => ({}) } }, ["deploy", "shop", "2"]);
  expect([exit, world.out()]).toEqual([0, "shop 2 runs on every host already, proven; nothing to do\n"]);
});

test("an unreachable coordinator ends with 8, its address, the cause and a hint", async () => {
  const world = createTestWorld({ cwd: folder });
  const exit = await runCli(["status", "--coordinator", "127.0.0.1:1"], world);
  expect(exit).toBe(8);
  expect(world.err()).toMatch(
    /^error: cannot reach the coordinator at 127\.0\.0\.1:1\n {2}because: .*ECONNREFUSED.*\n {2}hint: name it with --coordinator/,
  );
});

test("a dev fleet of the working folder is found by its file", async () => {
  await mkdir(join(folder, ".sluice"));
  await writeFile(join(folder, ".sluice", "dev.json"), '{"coordinator":"127.0.0.1:1"}');
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["status"], world)).toBe(8);
  expect(world.err()).toContain("cannot reach the coordinator at 127.0.0.1:1");
});

test.each([
  [["statsu"], "error: unknown command 'statsu'\n(Did you mean status?)\n"],
  [["status", "--jsn"], "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
  [["rollout", "promot", "r-1"], "error: unknown command 'promot'\n(Did you mean promote?)\n"],
  [["deploy", "shop"], "error: missing required argument 'version'\n"],
])("%j is a usage error that suggests the nearest", async (args, words) => {
  const world = createTestWorld();
  expect(await runCli(args, world)).toBe(2);
  expect(world.err()).toContain(words);
});

test("a duration without a unit is a usage error", async () => {
  const world = createTestWorld();
  expect(await runCli(["deploy", "shop", "2", "--timeout", "30"], world)).toBe(2);
  expect(world.err()).toContain("A duration has a unit: 30s, 10m, 1h30m.");
});

test("every verb's help has a description and an example", async () => {
  const leaves = (command: ReturnType<typeof createProgram>, path: readonly string[]): (readonly string[])[] =>
    command.commands.length === 0
      ? [path]
      : command.commands.flatMap((sub) => leaves(sub as typeof command, [...path, sub.name()]));
  for (const path of leaves(createProgram(createTestWorld()), [])) {
    const world = createTestWorld();
    expect(await runCli([...path, "--help"], world)).toBe(0);
    expect(world.out(), path.join(" ")).toMatch(
      /Usage: sluice .*\n\n[a-z`a].+[\s\S]*Options:[\s\S]*Examples?:\n {2}\$ sluice/,
    );
  }
});

test("the help of sluice lists all exit codes", async () => {
  const world = createTestWorld();
  expect(await runCli(["--help"], world)).toBe(0);
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8]) expect(world.out()).toMatch(new RegExp(`^  ${code}  \\w`, "m"));
});

test("pushing a folder twice names the same content", async () => {
  await writeFile(join(folder, "server.js"), "hello");
  const pushed = () => ({ digest: "sha256:ab", existed: false });
  const first = await runAgainst(folder, { pushed }, ["release", "push", "shop", "2", "."]);
  const second = await runAgainst(folder, { pushed }, ["release", "push", "shop", "2", "."]);
  expect(first.exit).toBe(0);
  expect(first.asked[0]?.request).toMatchObject({
    site: "shop",
    version: "2",
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  expect(second.asked).toEqual(first.asked);
});

test.each([
  ["verb-refused", 7],
  ["role-missing", 7],
  ["site-unknown", 2],
  ["fleet-file-invalid", 2],
  ["host-unreachable", 8],
  ["unit-busy", 1],
  ["internal", 1],
] as const)("a coordinator that answers %s ends the verb with %i", async (reason, exitExpected) => {
  const { exit, world } = await runAgainst(
    folder,
    {
      unary: {
        commandRollout: () => {
          throw new Problem(reason, "cannot promote while completed", { hint: "sluice rollout show r-1" });
        },
      },
    },
    ["rollout", "promote", "r-1"],
  );
  expect(exit).toBe(exitExpected);
  expect(world.err()).toBe("error: cannot promote while completed\n  hint: sluice rollout show r-1\n");
});
