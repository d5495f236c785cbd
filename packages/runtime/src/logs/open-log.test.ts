import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLog } from "./open-log.ts";

test("a log line is JSON with ISO time, level as a word and the name of the program, written at once", () => {
  const dir = mkdtempSync(join(tmpdir(), "sluice-log-"));
  const path = join(dir, "logs/agent.log");
  const log = openLog({ name: "agent", destination: path });
  log.info({ site: "shop" }, "site.switched");
  log.debug("not shown");
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? "");
  expect(line).toMatchObject({ name: "agent", level: "info", site: "shop", msg: "site.switched", pid: process.pid });
  expect(new Date(line.time).toISOString()).toBe(line.time);
  rmSync(dir, { recursive: true });
});
