import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { asDiskFull, writeFileDurably } from "./durable-file.ts";
import { readDocument } from "./read-document.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-files-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const schema = z.strictObject({ count: z.int() });

test("a file is replaced as a whole, readable by its owner only, and nothing else is left", async () => {
  const path = join(dir, "state.json");
  await writeFileDurably(path, "old");
  await writeFileDurably(path, "new");
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(["state.json"]);
});

test("writers at the same time leave the text of one of them", async () => {
  const path = join(dir, "state.json");
  const texts = Array.from({ length: 20 }, (_, at) => String(at).repeat(5000));
  await Promise.all(texts.map((text) => writeFileDurably(path, text)));
  expect(texts).toContain(readFileSync(path, "utf8"));
  expect(readdirSync(dir)).toEqual(["state.json"]);
});

test("a failed write leaves the old file and no temporary one", async () => {
  const path = join(dir, "state");
  mkdirSync(path);
  writeFileSync(join(path, "inside"), "old");
  await expect(writeFileDurably(path, "new")).rejects.toThrow();
  expect(readdirSync(dir)).toEqual(["state"]);
  expect(readFileSync(join(path, "inside"), "utf8")).toBe("old");
});

test.skipIf(process.platform !== "linux")(
  "no space left is told as disk-full, with the folder to look at",
  async () => {
    const full = await import("node:fs/promises").then(({ writeFile }) =>
      writeFile("/dev/full", "x").catch((error: unknown) => error),
    );
    expect(asDiskFull(full, "/data/state.json")).toMatchObject({ reason: "disk-full", hint: "df -h /data" });
    const other = new Error("something else");
    expect(asDiskFull(other, "/data/state.json")).toBe(other);
  },
);

test("a document is absent, ok or corrupt, and reading never throws", async () => {
  const path = join(dir, "d.json");
  expect(await readDocument(path, schema)).toEqual({ kind: "absent" });
  writeFileSync(path, '{"count":3}');
  expect(await readDocument(path, schema)).toEqual({ kind: "ok", document: { count: 3 } });
  for (const garbage of [
    "",
    "{",
    "null",
    "[]",
    '{"count":"x"}',
    '{"count":1,"more":2}',
    "\u0000\u0001",
    '{"count":3}}',
  ]) {
    writeFileSync(path, garbage);
    expect(await readDocument(path, schema)).toMatchObject({ kind: "corrupt", why: expect.stringContaining(path) });
  }
  writeFileSync(path, Buffer.from([0xff, 0xfe, 0x80]));
  expect(await readDocument(path, schema)).toMatchObject({ kind: "corrupt" });
  rmSync(path);
  mkdirSync(path);
  expect(await readDocument(path, schema)).toMatchObject({ kind: "corrupt" });
  chmodSync(path, 0o700);
});
