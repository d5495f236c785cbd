import type { EngineName } from "@sluice/core";
import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { describe } from "vitest";

const haproxy = await installedHaproxy();

/** Engines whose proxies can be run here. */
export const engines: readonly EngineName[] = haproxy === undefined ? ["node"] : ["node", "haproxy"];

/** Runs the same tests on a fleet of every engine, one after the other. */
export function eachEngine(tests: (engine: EngineName) => void): void {
  describe.each(engines)("%s", tests);
}
