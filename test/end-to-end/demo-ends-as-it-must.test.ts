import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "@sluice/cli/demo/run-command";
import { expect, test } from "vitest";
import { engines } from "./support/each-engine.ts";
import { processesOf } from "./support/processes-of.ts";
import { takeTurns } from "./support/take-turns.ts";

/** The demo ends by itself within three minutes; beside other tests it may take longer. */
const patience = "2.5";
const demoMsMax = 450_000;

/** Scenes of what no check before the switch could know, or was not asked; each says itself what may fail and where. */
const failing: readonly string[] = [
  "the same change with the check before switched off",
  "a release in which 5 in 100 requests of one host name fail",
  "the database is down for everybody while a release is on trial",
];

/** How those that hang on evidence of users end, in the words of the coordinator. */
const endings = {
  "a release in which 5 in 100 requests of one host name fail":
    /^rollout reverted: www\.shop\.example(:80)? via (front|proxy) on web-1: \d+ of \d+ requests failed .* on 1 other host 0 of/,
  "the database is down for everybody while a release is on trial":
    /^paused: .*nothing is reverted: hosts that were not changed fail as well: .*; then rollout completed$/,
};

// Both count minutes of users by a clock that is twenty times as fast, on a machine with two cores.
takeTurns();
test.each(engines)(
  "`sluice demo` on %s plays eight scenes that end as they must, and leaves nothing running",
  async (engine) => {
    const cwd = await mkdtemp(join(tmpdir().length > 20 ? "/tmp" : tmpdir(), "sl-demo-"));
    try {
      const dir = join(cwd, "fleet");
      const { exit, lines } = await runCommand(["demo", "--engine", engine, "--dir", dir, "--patience", patience], {
        coordinator: "",
        cwd,
        env: { ...process.env, NO_COLOR: "1" },
        signal: AbortSignal.timeout(demoMsMax),
        onLine: () => undefined,
      });
      expect({ exit, said: exit === 0 ? "" : lines.join("\n") }).toEqual({ exit: 0, said: "" });
      const report = JSON.parse(await readFile(join(cwd, "demo-report.json"), "utf8"));
      expect(report).toMatchObject({ ok: true, engine });
      expect(report.scenes).toHaveLength(8);
      for (const { name, ok, wrong, sent, failed } of report.scenes) {
        expect({ name, ok, wrong }).toEqual({ name, ok: true, wrong: [] });
        expect(sent, name).toBeGreaterThan(300);
        if (!failing.includes(name)) expect(failed, name).toBe(0);
      }
      const seen = Object.fromEntries(
        report.scenes.map(({ name, seen }: { name: string; seen: string }) => [name, seen]),
      );
      for (const [scene, words] of Object.entries(endings)) expect(seen[scene]).toMatch(words);
      expect(processesOf(dir)).toEqual([]);
      const counts = report.scenes.map(({ sent, failed }: { sent: number; failed: number }) => `${failed} of ${sent}`);
      console.log(`demo on ${engine}: failed ${counts.join(", ")}, ${Math.round(report.seconds)} s`);
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  },
  demoMsMax + 10_000,
);
