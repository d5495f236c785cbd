import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FolderLookup } from "./folder-lookup.ts";

async function openLookup() {
  const folder = await mkdtemp(join(tmpdir(), "sluice-lookup-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const looks = { count: 0 };
  const lookup = new FolderLookup(folder, async () => {
    looks.count += 1;
    return (await readdir(folder)).sort();
  });
  return { folder, looks, lookup };
}

test("a folder in which nothing has changed is looked through once", async () => {
  const { looks, lookup } = await openLookup();
  for (let ask = 0; ask < 10; ask += 1) expect(await lookup.get()).toEqual([]);
  expect(looks.count).toBe(1);
});

test("what somebody else puts into the folder is found, and what we changed ourselves at once", async () => {
  const { folder, looks, lookup } = await openLookup();
  expect(await lookup.get()).toEqual([]);
  await writeFile(join(folder, "a"), "");
  await expect.poll(() => lookup.get()).toEqual(["a"]);
  const before = looks.count;
  lookup.forget();
  await lookup.get();
  expect(looks.count).toBe(before + 1);
});

test("what was found before a change of our own is not remembered after it", async () => {
  const { folder } = await openLookup();
  const reached = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const found = ["old", "new"];
  const lookup = new FolderLookup(folder, async () => {
    reached.resolve();
    await finish.promise;
    return found.shift();
  });
  const asking = lookup.get();
  await reached.promise;
  lookup.forget();
  finish.resolve();
  expect(await asking).toBe("old");
  expect(await lookup.get()).toBe("new");
});
