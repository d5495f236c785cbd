import { readFile } from "node:fs/promises";
import { createProgram } from "@sluice/cli/program";
import { createTestWorld } from "@sluice/cli/testing/test-world";
import { parseFleetFile } from "@sluice/core";
import type { Command } from "commander";
import { expect, test } from "vitest";

const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");

test("the fleet file in the README is one that Sluice takes", () => {
  const [, text = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(parseFleetFile([{ file: "README.md", text }])).toMatchObject({ kind: "ok" });
});

test("every verb that the README names exists", () => {
  const named = [...readme.matchAll(/^sluice ([a-z]+(?: push)?)/gm)].map(([, verb]) => verb ?? "");
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((verb) => !verbs(createProgram(createTestWorld())).includes(verb))).toEqual([]);
});

test("every page that the README links to is there", async () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? "");
  for (const link of links) await readFile(new URL(`../../${link}`, import.meta.url), "utf8");
  expect(links.length).toBeGreaterThan(5);
});

function verbs(program: Command): readonly string[] {
  return program.commands.flatMap((verb) => [
    verb.name(),
    ...verb.commands.map((under) => `${verb.name()} ${under.name()}`),
  ]);
}
