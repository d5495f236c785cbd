import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";

const top = new URL("../../", import.meta.url).pathname;

async function contractCopy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-contract-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(top, "proto"), join(folder, "proto"), { recursive: true });
  return folder;
}

const buf = (folder: string, ...words: string[]) =>
  execa("buf", words, { cwd: folder, preferLocal: true, localDir: top, reject: false });

const breakingAgainstPublished = (folder: string) =>
  buf(folder, "breaking", "proto", "--against", "proto/published.binpb");

test("the contract follows buf's rules", async () => {
  expect((await buf(top, "lint", "proto")).stdout).toBe("");
});

test("the contract breaks nobody who speaks the published one", async () => {
  expect((await breakingAgainstPublished(top)).stdout).toBe("");
});

test("a field that is given another type is reported as breaking", async () => {
  const folder = await contractCopy();
  const file = join(folder, "proto/sluice/agent/v1/agent.proto");
  await writeFile(file, (await readFile(file, "utf8")).replace("int64 generation = 5;", "string generation = 5;"));
  const { stdout, exitCode } = await breakingAgainstPublished(folder);
  expect(exitCode).not.toBe(0);
  expect(stdout).toContain("generation");
});

test("the generated code is what the contract generates", async () => {
  const folder = await contractCopy();
  await cp(join(top, "buf.gen.yaml"), join(folder, "buf.gen.yaml"));
  const { exitCode, stderr } = await buf(folder, "generate");
  expect(exitCode, stderr).toBe(0);
  const committed = join(top, "packages/protocol/src/generated");
  const fresh = join(folder, "packages/protocol/src/generated");
  const files = (await readdir(fresh, { recursive: true })).filter((path) => path.endsWith(".ts"));
  for (const path of files) {
    expect(await readFile(join(committed, path), "utf8"), `${path} differs: run npm run proto`).toBe(
      await readFile(join(fresh, path), "utf8"),
    );
  }
  expect((await readdir(committed, { recursive: true })).filter((path) => path.endsWith(".ts")).sort()).toEqual(
    files.sort(),
  );
});
