import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { findProgram } from "./find-program.ts";

test("a program is found in PATH before the usual folders, and only if it can be run", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sluice-programs-"));
  try {
    await writeFile(join(dir, "sh"), "");
    expect(findProgram("sh", dir)).not.toBe(join(dir, "sh"));
    await chmod(join(dir, "sh"), 0o755);
    expect(findProgram("sh", ["", "relative", dir].join(delimiter))).toBe(join(dir, "sh"));
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("a program that is nowhere is not found", () => {
  expect(findProgram("no-such-program-anywhere", "")).toBeUndefined();
});
