import { glob, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const top = new URL("../../", import.meta.url).pathname;

async function dependencyNames(): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const file of glob(["package.json", "packages/*/package.json", "test/package.json"], { cwd: top })) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(await readFile(`${top}${file}`, "utf8"));
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) names.add(name);
  }
  return [...names].filter((name) => !name.startsWith("@sluice/")).sort();
}

test("every dependency has its line in docs/dependencies.md", async () => {
  const docs = await readFile(`${top}docs/dependencies.md`, "utf8");
  expect((await dependencyNames()).filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
});

test("docs/dependencies.md names no package that is gone", async () => {
  const docs = await readFile(`${top}docs/dependencies.md`, "utf8");
  const rows = docs.split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const present = await dependencyNames();
  expect(named.filter((name) => name !== undefined && !present.includes(name))).toEqual([]);
});
