import { expect, test } from "vitest";
import { runAgainst } from "../testing/run-against.ts";

const answers = { unary: { rebootHosts: () => ({ rolloutId: "r-1" }) } };

test("hosts are rebooted by a rollout that is named or followed like any other", async () => {
  const args = ["host", "reboot", "web-1", "web-2", "--reason", "kernel 6.12.9", "--detach"];
  const { exit, world, asked } = await runAgainst("/", answers, args);
  expect(exit).toBe(0);
  expect(asked).toMatchObject([
    { method: "rebootHosts", request: { hosts: ["web-1", "web-2"], all: false, reason: "kernel 6.12.9" } },
  ]);
  expect(world.out()).toContain("r-1 has started; follow it: sluice rollout watch r-1");
});

test("all hosts of an environment are asked for without naming them", async () => {
  const args = ["host", "reboot", "--all", "--env", "production", "--reason", "patches", "--detach", "--json"];
  const { asked } = await runAgainst("/", answers, args);
  expect(asked[0]?.request).toMatchObject({ hosts: [], all: true, environment: "production" });
});

test("an agent with an empty reboot command does not start: it would be told to reboot and never do", async () => {
  const args = ["agent", "run", "--host", "web-1", "--data", "/nowhere", "--reboot-command", " "];
  const { exit, world } = await runAgainst("/", {}, args);
  expect(exit).toBe(2);
  expect(world.err()).toContain('leave it out, or give a command: --reboot-command "systemctl reboot"');
});
