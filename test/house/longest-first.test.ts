import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { longest } from "./longest-first.ts";

test("every file with a place of its own in the order is there", () => {
  const isThere = (part: string) =>
    ["test", "packages"].some((folder) => existsSync(new URL(`../../${folder}/${part}.test.ts`, import.meta.url)));
  expect(longest.filter((part) => !isThere(part))).toEqual([]);
});
