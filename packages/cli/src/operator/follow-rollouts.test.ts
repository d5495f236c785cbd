import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";
import type { TestWorld } from "../testing/test-world.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const completed = rolloutOf({ phase: "completed", statusLine: "completed", endedAtMs: 13_000 });

test("a halt is told in one sentence with its evidence", async () => {
  const cause = {
    kind: "step-failed",
    sentence: "at-1 refused it",
    evidence: ["www.shop.example via proxy answered 400"],
    atMs: 3000,
  };
  const { world } = await runAgainst(
    folder,
    {
      streams: {
        watchRollout: () => [{ rollout: rolloutOf({ phase: "reverted", cause, endedAtMs: 4000, stages: [] }) }],
      },
    },
    ["rollout", "watch", "r-1"],
  );
  expect(world.out()).toContain(
    "12:00:00  halted (step-failed): at-1 refused it\n12:00:00    www.shop.example via proxy answered 400\n12:00:00  reverted after 3s\n",
  );
});

test("--timeout ends with 4 and names the gate that is waited for", async () => {
  const waitingOn = [
    { kind: "approval", sentence: "release-manager has not approved production", hosts: [], details: [] },
  ];
  const { exit, world } = await runAgainst(
    folder,
    {
      streams: {
        watchRollout: async function* () {
          yield { rollout: rolloutOf({ phase: "waiting-for-gates", waitingOn }) };
          await new Promise(() => undefined);
        },
      },
    },
    ["rollout", "watch", "r-1", "--timeout", "2s"],
  );
  expect(exit).toBe(4);
  expect(world.out()).toContain(
    "r-1: still waiting after 2s for approval: release-manager has not approved production\n",
  );
});

test("Ctrl-C leaves the rollout running and says so", async () => {
  let world: TestWorld | undefined;
  const result = await runAgainst(
    folder,
    {
      streams: {
        watchRollout: async function* () {
          yield { rollout: rolloutOf() };
          setImmediate(() => world?.interrupt());
          await new Promise(() => undefined);
        },
      },
    },
    ["rollout", "watch", "r-1"],
    {
      onInterrupt: (listener) => {
        world = { interrupt: listener } as TestWorld;
        return { [Symbol.dispose]: () => undefined };
      },
    },
  );
  expect(result.exit).toBe(4);
  expect(result.world.out()).toContain(
    "r-1 goes on without this terminal; follow it again: sluice rollout watch r-1\n",
  );
});

test("a coordinator that goes away while a rollout is followed is asked again", async () => {
  let asks = 0;
  const { exit, world } = await runAgainst(
    folder,
    {
      streams: {
        watchRollout: async function* () {
          asks += 1;
          if (asks === 2) throw new Problem("coordinator-unreachable", "restarting");
          yield { rollout: asks === 1 ? rolloutOf() : completed };
        },
      },
    },
    ["rollout", "watch", "r-1"],
  );
  expect([exit, asks]).toEqual([0, 3]);
  expect(world.out()).toMatch(/the coordinator at \S+ does not answer; trying again, the hosts go on/);
});

test("--detach names the rollout and leaves", async () => {
  const { exit, world } = await runAgainst(folder, { unary: { deploy: () => ({ rolloutId: "r-7" }) } }, [
    "deploy",
    "shop",
    "2",
    "--detach",
    "--json",
  ]);
  expect(exit).toBe(0);
  expect(world.out()).toBe('{"kind":"started","id":"r-7"}\n');
  expect(world.err()).toBe("r-7 has started; follow it: sluice rollout watch r-7\n");
});

test("rollout wait --for approval returns as soon as an approval is waited for", async () => {
  const waitingOn = [{ kind: "approval", sentence: "release-manager", hosts: [], details: [] }];
  const { exit } = await runAgainst(
    folder,
    {
      streams: {
        watchRollout: async function* () {
          yield { rollout: rolloutOf() };
          yield { rollout: rolloutOf({ phase: "waiting-for-gates", waitingOn }) };
          await new Promise(() => undefined);
        },
      },
    },
    ["rollout", "wait", "r-1", "--for", "approval"],
  );
  expect(exit).toBe(0);
});

test("rollout wait --for completed ends with 6 when the rollout was reverted instead", async () => {
  const { exit } = await runAgainst(
    folder,
    { streams: { watchRollout: () => [{ rollout: rolloutOf({ phase: "reverted", endedAtMs: 2000 }) }] } },
    ["rollout", "wait", "r-1", "--for", "completed"],
  );
  expect(exit).toBe(6);
});

test("a coordinator that dies right after it has started the rollout is asked again", async () => {
  let asks = 0;
  const { exit } = await runAgainst(
    folder,
    {
      unary: { deploy: () => ({ rolloutId: "r-1" }) },
      streams: {
        watchRollout: function* () {
          asks += 1;
          if (asks === 1) throw new Problem("coordinator-unreachable", "restarting");
          yield { rollout: completed };
        },
      },
    },
    ["deploy", "shop", "2"],
  );
  expect([exit, asks]).toEqual([0, 2]);
});

test("with --json every change is one line, and the last line is the result", async () => {
  const { exit, world } = await runAgainst(
    folder,
    { streams: { watchRollout: () => [{ rollout: rolloutOf() }, { rollout: completed }] } },
    ["rollout", "watch", "r-1", "--json"],
  );
  const lines = world
    .out()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(exit).toBe(0);
  expect(lines.map((line) => [line.kind, line.rollout?.phase])).toEqual([
    ["rollout", "activating"],
    ["rollout", "completed"],
    ["result", undefined],
  ]);
  expect(lines[2]).toEqual({ kind: "result", exit: "done", rollouts: [{ id: "r-1", phase: "completed" }] });
  expect(world.err()).toBe("");
});

test("several rollouts are told apart by their titles, and the worst end counts", async () => {
  const { exit, world } = await runAgainst(
    folder,
    {
      unary: { restart: () => ({ rolloutIds: ["r-1", "r-2"] }) },
      streams: {
        watchRollout: (request) =>
          (request as { id: string }).id === "r-1"
            ? [{ rollout: { ...completed, title: "proxy of shop" } }]
            : [{ rollout: rolloutOf({ id: "r-2", title: "proxy of blog", phase: "reverted", endedAtMs: 3000 }) }],
      },
    },
    ["restart", "--proxies"],
  );
  expect(exit).toBe(6);
  expect(world.out()).toContain("12:00:00  proxy of shop: completed after 12s\n");
  expect(world.out()).toContain("12:00:00  proxy of blog: reverted after 2s\n");
});
