import { expect, test } from "vitest";
import { findViolations } from "./find-violations.ts";

const sentences = (path: string, text: string) => findViolations([{ path, text }]).map(({ sentence }) => sentence);

test("core may not import another package, and the message says why", () => {
  expect(sentences("packages/core/src/a.ts", 'import { x } from "@sluice/runtime";')).toEqual([
    "core must not import runtime: decisions must run unchanged in the simulator, so core knows nothing but itself; it may import nothing of ours",
  ]);
});

test("a relative path that leaves the package counts like its name", () => {
  expect(sentences("packages/proxy/src/a/b.ts", 'import { x } from "../../../agent/src/c.ts";')).toHaveLength(1);
});

test("an allowed import is silent", () => {
  expect(sentences("packages/agent/src/a.ts", 'import { x } from "@sluice/proxy";')).toEqual([]);
});

test("what runs in an agent may import values of core by their file only, and types from anywhere", () => {
  const all = 'import {\n  type Instant,\n  instant,\n} from "@sluice/core";';
  expect(sentences("packages/agent/src/a.ts", all)).toEqual([
    "import values from the file that has them, '@sluice/core/…': an agent keeps all it loads in memory, for months",
  ]);
  expect(sentences("packages/agent/src/a.ts", 'import type { Instant } from "@sluice/core";')).toEqual([]);
  expect(sentences("packages/agent/src/a.ts", 'import { instant } from "@sluice/core/units/time";')).toEqual([]);
  expect(sentences("packages/coordinator/src/a.ts", all)).toEqual([]);
});

test("core may not read the clock, not even once", () => {
  expect(sentences("packages/core/src/a.ts", "const now = Date.now();")).toHaveLength(1);
});

test("core may not do I/O", () => {
  expect(sentences("packages/core/src/a.ts", 'import { readFileSync } from "node:fs";')).toHaveLength(1);
});

test("a comment that names a forbidden call is no call", () => {
  expect(sentences("packages/core/src/a.ts", " * never Date.now() here")).toEqual([]);
});

test("nothing may import test code", () => {
  expect(sentences("packages/agent/src/a.ts", 'import { x } from "../../../test/support/y.ts";')).toHaveLength(1);
});
