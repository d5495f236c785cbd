import { expect, test } from "vitest";
import { runAgainst } from "../testing/run-against.ts";

const answers = { unary: { restart: () => ({ rolloutIds: [] }) } };

test("agents and keepers are asked for by what they are, with --to as their version and --env as the last environment", async () => {
  const args = ["--to", "2.0.0", "--env", "acceptance"];
  const keepers = await runAgainst("/", answers, ["restart", "--keepers", ...args]);
  expect(keepers.asked).toMatchObject([
    { request: { keepers: true, agents: false, agentVersion: "2.0.0", toEnvironment: "acceptance" } },
  ]);
  expect(keepers.world.out()).toContain("keeper 2.0.0 runs on every host already, proven; nothing to do");
  const agents = await runAgainst("/", answers, ["restart", "--agents", ...args]);
  expect(agents.asked).toMatchObject([{ request: { keepers: false, agents: true, agentVersion: "2.0.0" } }]);
  expect(agents.world.out()).toContain("agent 2.0.0 runs");
});

const unusable: readonly (readonly [readonly string[], string])[] = [
  [["--keepers", "--agents"], "--agents goes with neither a site nor --proxies nor --keepers"],
  [["shop", "--keepers"], "--keepers goes with neither a site nor --proxies nor --agents"],
  [["--proxies", "--keepers"], "--keepers goes with neither a site nor --proxies nor --agents"],
  [["shop", "--env", "acceptance"], "--env goes with --agents and --keepers only"],
  [[], "neither a site nor --proxies, --agents or --keepers is given"],
];

test.each(unusable)("restart %j is refused, and nothing is asked for", async (args, why) => {
  const { exit, world, asked } = await runAgainst("/", answers, ["restart", ...args]);
  expect(exit).toBe(2);
  expect(world.err()).toContain(why);
  expect(asked).toEqual([]);
});
