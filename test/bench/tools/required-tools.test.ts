import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findTools, sentenceOfMissing, toolPath } from "./required-tools.ts";

test("a program in the given path is found before those in the usual folders", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bench-tools-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ["haproxy", "nginx", "caddy", "wrk", "h2load", "openssl", "taskset"]) {
    await writeFile(join(folder, name), "#!/bin/sh\n");
    await chmod(join(folder, name), 0o755);
  }
  const found = findTools(folder);
  if (found.kind !== "complete") throw new Error(found.sentence);
  expect(toolPath(found.tools, "wrk")).toBe(join(folder, "wrk"));
});

test("what is missing is named together with the line that installs it", () => {
  expect(sentenceOfMissing(["wrk", "h2load"])).toBe(
    "cannot measure without wrk, h2load\n  apt-get install --no-install-recommends wrk nghttp2-client",
  );
});
