import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTelltaleSeeds } from "../telltale-seeds.ts";
import { allMutations } from "./all-mutations.ts";

const core = join(import.meta.dirname, "../../../packages/core/src");

test("there are more than a hundred mutations, and no two of them are the same", () => {
  expect(allMutations.length).toBeGreaterThan(100);
  expect(new Set(allMutations.map(({ name }) => name)).size).toBe(allMutations.length);
  expect(new Set(allMutations.map(({ file, find, put }) => [file, find, put].join("\n"))).size).toBe(
    allMutations.length,
  );
});

test.each(allMutations)("a core that $name: the text to be changed is there, once", async ({ file, find, put }) => {
  const text = await readFile(join(core, file), "utf8");
  expect(text.split(find)).toHaveLength(2);
  expect(put).not.toBe(find);
});

test("no seed is kept for a mutation that is not there any more", async () => {
  const names = allMutations.filter(({ notSimulated }) => notSimulated === undefined).map(({ name }) => name);
  expect(Object.keys(await readTelltaleSeeds()).filter((name) => !names.includes(name))).toEqual([]);
});
