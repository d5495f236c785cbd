import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fleetFile = (): Promise<void> => writeFile(join(folder, "fleet.yaml"), "fleet: acme\n");
const noChanges = { changes: [], rollouts: [], problems: [], gates: [] };
const oneChange = {
  changes: [{ sentence: "proxy settings of shop: forward.host internal → preserve", hosts: ["at-1"] }],
  rollouts: ["proxy settings of shop"],
  problems: [],
  gates: [],
};

const completed = rolloutOf({ phase: "completed", statusLine: "completed", endedAtMs: 13_000 });

test("plan ends with 0 when nothing would change and with 3 when something would", async () => {
  await fleetFile();
  const same = await runAgainst(folder, { unary: { plan: () => noChanges } }, ["plan"]);
  expect([same.exit, same.world.out()]).toEqual([0, "nothing to change\n"]);
  const other = await runAgainst(folder, { unary: { plan: () => oneChange } }, ["plan"]);
  expect(other.exit).toBe(3);
  expect(other.world.out()).toBe(
    "~ proxy settings of shop: forward.host internal → preserve (live on at-1)\nrollout: proxy settings of shop\n",
  );
});

test("plan tells the gates that would stay closed for every rollout", async () => {
  await fleetFile();
  const sentence = "production is closed by representativeness: production has 1 public binding, acceptance has 0";
  const { world } = await runAgainst(folder, { unary: { plan: () => ({ ...oneChange, gates: [sentence] }) } }, [
    "plan",
  ]);
  expect(world.out().split("\n")).toContain(`gate: ${sentence}`);
});

test("plan sends every yaml file of a folder in the order of their names", async () => {
  await writeFile(join(folder, "b.yaml"), "b");
  await writeFile(join(folder, "a.yml"), "a");
  await writeFile(join(folder, "notes.txt"), "no");
  const { asked } = await runAgainst(folder, { unary: { plan: () => noChanges } }, ["plan", "-f", "."]);
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
  const { exit, world } = await runAgainst(folder, { unary: { plan: () => ({ ...noChanges, problems }) } }, ["plan"]);
  expect(exit).toBe(2);
  expect(world.err()).toBe(
    "fleet.yaml:3:5: sites.shop: unknown key 'bindngs'\n  hint: did you mean 'bindings'?\nfleet.yaml:9:1: no environment\nerror: 2 problems in the fleet file; nothing was changed\n",
  );
});

test("plan --json writes nothing but one JSON document to stdout", async () => {
  await fleetFile();
  const { exit, world } = await runAgainst(folder, { unary: { plan: () => oneChange } }, ["plan", "--json"]);
  expect(exit).toBe(3);
  expect(JSON.parse(world.out())).toEqual(oneChange);
});

test("apply without --yes refuses with 2 where nobody can be asked, before anything is sent", async () => {
  await fleetFile();
  const { exit, world, asked } = await runAgainst(folder, {}, ["apply"]);
  expect(exit).toBe(2);
  expect(asked).toEqual([]);
  expect(world.err()).toBe(
    "error: cannot ask whether to apply: this is not a terminal\n  hint: add --yes to apply without being asked, or look first: sluice plan\n",
  );
});

test("apply shows the plan, asks, and changes nothing when the answer is not yes", async () => {
  await fleetFile();
  const { exit, world, asked } = await runAgainst(folder, { unary: { plan: () => oneChange } }, ["apply"], {
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
      gates: [],
      waves: [{ steps: [{ host: "at-1", state, units: [], ...more }] }],
    },
  ];
  const waitingOn = [{ kind: "soak", sentence: "observed for 2s more", hosts: ["at-1"], details: [] }];
  const { exit, world, asked } = await runAgainst(
    folder,
    {
      unary: { apply: () => ({ changes: oneChange.changes, rolloutIds: ["r-1"], problems: [], gates: [] }) },
      streams: {
        watchRollout: () => [
          { rollout: rolloutOf({ stages: steps("activating", { doing: "starting the idle slot" }) }) },
          { rollout: rolloutOf({ stages: steps("activating", { doing: "starting the idle slot" }) }) },
          { rollout: rolloutOf({ phase: "observing", stages: steps("provisional", { switchMs: 3.21 }), waitingOn }) },
          {
            rollout: rolloutOf({
              phase: "observing",
              stages: steps("provisional", { switchMs: 3.21 }),
              waitingOn: [{ kind: "soak", sentence: "observed for 1s more", hosts: ["at-1"], details: [] }],
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
  const { exit, world, asked } = await runAgainst(folder, {}, ["apply", "--yes", "--skip-probes-before"]);
  expect([exit, asked]).toEqual([2, []]);
  expect(world.err()).toBe(
    "error: cannot switch off the check 'probes-before' without a reason\n  hint: say why: --skip-probes-before --reason \"…\"\n",
  );
});

test("--skip-probes-before travels with its reason", async () => {
  const { asked } = await runAgainst(folder, { unary: { deploy: () => ({}) } }, [
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
    folder,
    {
      unary: { deploy: () => ({ rolloutId: "r-1" }) },
      streams: { watchRollout: () => [{ rollout: rolloutOf({ phase, endedAtMs: 2000 }) }] },
    },
    ["deploy", "shop", "2"],
  );
  expect(exit).toBe(exitExpected);
});
