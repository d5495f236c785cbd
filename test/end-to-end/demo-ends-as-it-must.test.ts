import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "@sluice/cli/demo/run-command";
import { expect, test } from "vitest";
import { engines } from "./support/each-engine.ts";
import { processesOf } from "./support/processes-of.ts";

/** The demo ends by itself within three minutes. */
const demoMsMax = 180_000;

/** The one scene that shows what happens when the check before is switched off. */
const failing = "the same change with the check before switched off";

test.concurrent.each(engines)(
  "`sluice demo` on %s plays five scenes that end as they must, and leaves nothing running",
  async (engine) => {
    const cwd = await mkdtemp(join(tmpdir().length > 20 ? "/tmp" : tmpdir(), "sl-demo-"));
    try {
      const dir = join(cwd, "fleet");
      const { exit, lines } = await runCommand(["demo", "--engine", engine, "--dir", dir], {
        coordinator: "",
        cwd,
        env: { ...process.env, NO_COLOR: "1" },
        signal: AbortSignal.timeout(demoMsMax),
        onLine: () => undefined,
      });
      expect({ exit, said: exit === 0 ? "" : lines.join("\n") }).toEqual({ exit: 0, said: "" });
      const report = JSON.parse(await readFile(join(cwd, "demo-report.json"), "utf8"));
      expect(report).toMatchObject({ ok: true, engine });
      expect(report.scenes).toHaveLength(5);
      for (const { name, ok, wrong, sent, failed } of report.scenes) {
        expect({ name, ok, wrong }).toEqual({ name, ok: true, wrong: [] });
        expect(sent, name).toBeGreaterThan(300);
        if (name !== failing) expect(failed, name).toBe(0);
      }
      expect(processesOf(dir)).toEqual([]);
      const counts = report.scenes.map(({ sent, failed }: { sent: number; failed: number }) => `${failed} of ${sent}`);
      console.log(`demo on ${engine}: failed ${counts.join(", ")}, ${Math.round(report.seconds)} s`);
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  },
);
