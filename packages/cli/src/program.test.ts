import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProgram, runCli } from "./program.ts";
import { type FakeAnswers, rolloutOf, startFakeCoordinator } from "./testing/fake-coordinator.ts";
import { createTestWorld, type TestWorld } from "./testing/test-world.ts";
import type { World } from "./world.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function runAgainst(
  answers: FakeAnswers,
  args: readonly string[],
  unusual: Partial<World> = {},
): Promise<{ exit: number; world: TestWorld; asked: readonly { method: string; request: unknown }[] }> {
  await using coordinator = await startFakeCoordinator(answers);
  const world = createTestWorld({ cwd: folder, env: { SLUICE_COORDINATOR: coordinator.address }, ...unusual });
  return { exit: await runCli(args, world), world, asked: coordinator.asked };
}

const fleetFile = (): Promise<void> => writeFile(join(folder, "fleet.yaml"), "fleet: acme\n");
const noChanges = { changes: [], rollouts: [], problems: [] };
const oneChange = {
  changes: [{ sentence: "proxy settings of shop: forward.host internal → preserve", hosts: ["at-1"] }],
  rollouts: ["proxy settings of shop"],
  problems: [],
};

const completed = rolloutOf({ phase: "completed", statusLine: "completed", endedAtMs: 13_000 });

test("plan ends with 0 when nothing would change and with 3 when something would", async () => {
  await fleetFile();
  const same = await runAgainst({ unary: { plan: () => noChanges } }, ["plan"]);
  expect([same.exit, same.world.out()]).toEqual([0, "nothing to change\n"]);
  const other = await runAgainst({ unary: { plan: () => oneChange } }, ["plan"]);
  expect(other.exit).toBe(3);
  expect(other.world.out()).toBe(
    "~ proxy settings of shop: forward.host internal → preserve (live on at-1)\nrollout: proxy settings of shop\n",
  );
});

test("plan sends every yaml file of a folder in the order of their names", async () => {
  await writeFile(join(folder, "b.yaml"), "b");
  await writeFile(join(folder, "a.yml"), "a");
  await writeFile(join(folder, "notes.txt"), "no");
  const { asked } = await runAgainst({ unary: { plan: () => noChanges } }, ["plan", "-f", "."]);
  expect(asked[0]?.request).toEqual({
    files: [
      { name: "a.yml", text: "a" },
      { name: "b.yaml", text: "b" },
    ],
  });
});

test("plan names every problem with file, line and column and ends with 2", async () => {
  await fleetFile();
  const problems = [
    {
      file: "fleet.yaml",
      line: 3,
      column: 5,
      path: "sites.shop",
      sentence: "unknown key 'bindngs'",
      hint: "did you mean 'bindings'?",
    },
    { file: "fleet.yaml", line: 9, column: 1, path: "", sentence: "no environment" },
  ];
  const { exit, world } = await runAgainst({ unary: { plan: () => ({ ...noChanges, problems }) } }, ["plan"]);
  expect(exit).toBe(2);
  expect(world.err()).toBe(
    "fleet.yaml:3:5: sites.shop: unknown key 'bindngs'\n  hint: did you mean 'bindings'?\nfleet.yaml:9:1: no environment\nerror: 2 problems in the fleet file; nothing was changed\n",
  );
});

test("plan --json writes nothing but one JSON document to stdout", async () => {
  await fleetFile();
  const { exit, world } = await runAgainst({ unary: { plan: () => oneChange } }, ["plan", "--json"]);
  expect(exit).toBe(3);
  expect(JSON.parse(world.out())).toEqual(oneChange);
});

test("apply without --yes refuses with 2 where nobody can be asked, before anything is sent", async () => {
  await fleetFile();
  const { exit, world, asked } = await runAgainst({}, ["apply"]);
  expect(exit).toBe(2);
  expect(asked).toEqual([]);
  expect(world.err()).toBe(
    "error: cannot ask whether to apply: this is not a terminal\n  hint: add --yes to apply without being asked, or look first: sluice plan\n",
  );
});

test("apply shows the plan, asks, and changes nothing when the answer is not yes", async () => {
  await fleetFile();
  const { exit, world, asked } = await runAgainst({ unary: { plan: () => oneChange } }, ["apply"], {
    canAsk: true,
    ask: async () => "n",
  });
  expect(exit).toBe(1);
  expect(asked.map(({ method }) => method)).toEqual(["plan"]);
  expect(world.out()).toContain("forward.host internal → preserve");
  expect(world.out()).toContain("nothing was changed\n");
});

test("apply --yes follows the rollouts it starts and prints only changes, one a line, with the time", async () => {
  await fleetFile();
  const steps = (state: string, more: object = {}) => [
    {
      environment: "acceptance",
      soakMs: 0,
      approval: [],
      waves: [{ steps: [{ host: "at-1", state, units: [], ...more }] }],
    },
  ];
  const waitingOn = [{ kind: "soak", sentence: "observed for 2s more", hosts: ["at-1"] }];
  const { exit, world, asked } = await runAgainst(
    {
      unary: { apply: () => ({ changes: oneChange.changes, rolloutIds: ["r-1"], problems: [] }) },
      streams: {
        watchRollout: () => [
          { rollout: rolloutOf({ stages: steps("activating", { doing: "starting the idle slot" }) }) },
          { rollout: rolloutOf({ stages: steps("activating", { doing: "starting the idle slot" }) }) },
          { rollout: rolloutOf({ phase: "observing", stages: steps("provisional", { switchMs: 3.21 }), waitingOn }) },
          {
            rollout: rolloutOf({
              phase: "observing",
              stages: steps("provisional", { switchMs: 3.21 }),
              waitingOn: [{ kind: "soak", sentence: "observed for 1s more", hosts: ["at-1"] }],
            }),
          },
          { rollout: { ...completed, stages: steps("passed") } },
        ],
      },
    },
    ["apply", "--yes", "--reason", "because"],
  );
  expect(exit).toBe(0);
  expect(asked[0]?.request).toEqual({
    files: [{ name: "fleet.yaml", text: "fleet: acme\n" }],
    reason: "because",
    overrides: [],
  });
  expect(world.out().split("\n")).toEqual([
    "~ proxy settings of shop: forward.host internal → preserve (live on at-1)",
    "12:00:00  shop 2 (r-1), by anna",
    "12:00:00    at-1 activating: starting the idle slot",
    "12:00:00  activating wave 1 of 1 in acceptance",
    "12:00:00    at-1 provisional: switched in 3.2ms",
    "12:00:00  observing wave 1 of 1 in acceptance",
    "12:00:00    waiting (soak): observed for 2s more",
    "12:00:00    at-1 passed",
    "12:00:00  completed after 12s",
    "",
  ]);
});

test("--skip-probes-before without a reason is refused before anything is sent", async () => {
  await fleetFile();
  const { exit, world, asked } = await runAgainst({}, ["apply", "--yes", "--skip-probes-before"]);
  expect([exit, asked]).toEqual([2, []]);
  expect(world.err()).toBe(
    "error: cannot switch off the check 'probes-before' without a reason\n  hint: say why: --skip-probes-before --reason \"…\"\n",
  );
});

test("--skip-probes-before travels with its reason", async () => {
  const { asked } = await runAgainst({ unary: { deploy: () => ({}) } }, [
    "deploy",
    "shop",
    "2",
    "--to",
    "acceptance",
    "--skip-probes-before",
    "--reason",
    "path is new",
  ]);
  expect(asked[0]?.request).toEqual({
    site: "shop",
    version: "2",
    toEnvironment: "acceptance",
    reason: "path is new",
    overrides: [{ check: "probes-before", reason: "path is new" }],
  });
});

test.each([
  ["completed", 0],
  ["held", 5],
  ["reverted", 6],
  ["aborted", 1],
])("a followed rollout that ends %s ends the verb with %i", async (phase, exitExpected) => {
  const { exit } = await runAgainst(
    {
      unary: { deploy: () => ({ rolloutId: "r-1" }) },
      streams: { watchRollout: () => [{ rollout: rolloutOf({ phase, endedAtMs: 2000 }) }] },
    },
    ["deploy", "shop", "2"],
  );
  expect(exit).toBe(exitExpected);
});

test("a halt is told in one sentence with its evidence", async () => {
  const cause = {
    kind: "step-failed",
    sentence: "at-1 refused it",
    evidence: ["www.shop.example via proxy answered 400"],
    atMs: 3000,
  };
  const { world } = await runAgainst(
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
  const waitingOn = [{ kind: "approval", sentence: "release-manager has not approved production", hosts: [] }];
  const { exit, world } = await runAgainst(
    {
      streams: {
        watchRollout: async function* () {
          yield { rollout: rolloutOf({ phase: "waiting-for-gates", waitingOn }) };
          await new Promise(() => undefined);
        },
      },
    },
    ["rollout", "watch", "r-1", "--timeout", "300ms"],
  );
  expect(exit).toBe(4);
  expect(world.out()).toContain(
    "r-1: still waiting after 300ms for approval: release-manager has not approved production\n",
  );
});

test("Ctrl-C leaves the rollout running and says so", async () => {
  let world: TestWorld | undefined;
  const result = await runAgainst(
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
  const { exit, world } = await runAgainst({ unary: { deploy: () => ({ rolloutId: "r-7" }) } }, [
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

test("deploying what runs everywhere already is done at once", async () => {
  const { exit, world } = await runAgainst({ unary: { deploy: () => ({}) } }, ["deploy", "shop", "2"]);
  expect([exit, world.out()]).toEqual([0, "shop 2 runs on every host already, proven; nothing to do\n"]);
});

test("rollout wait --for approval returns as soon as an approval is waited for", async () => {
  const waitingOn = [{ kind: "approval", sentence: "release-manager", hosts: [] }];
  const { exit } = await runAgainst(
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
    { streams: { watchRollout: () => [{ rollout: rolloutOf({ phase: "reverted", endedAtMs: 2000 }) }] } },
    ["rollout", "wait", "r-1", "--for", "completed"],
  );
  expect(exit).toBe(6);
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

test("an unreachable coordinator ends with 8, its address, the cause and a hint", async () => {
  const world = createTestWorld({ cwd: folder });
  const exit = await runCli(["status", "--coordinator", "127.0.0.1:1"], world);
  expect(exit).toBe(8);
  expect(world.err()).toMatch(
    /^error: cannot reach the coordinator at 127\.0\.0\.1:1\n {2}because: .*ECONNREFUSED.*\n {2}hint: name it with --coordinator/,
  );
});

test("a dev fleet of the working folder is found by its file", async () => {
  const { mkdir } = await import("node:fs/promises");
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
  const first = await runAgainst({ pushed }, ["release", "push", "shop", "2", "."]);
  const second = await runAgainst({ pushed }, ["release", "push", "shop", "2", "."]);
  expect(first.exit).toBe(0);
  expect(first.asked[0]?.request).toMatchObject({
    site: "shop",
    version: "2",
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  expect(second.asked).toEqual(first.asked);
});
