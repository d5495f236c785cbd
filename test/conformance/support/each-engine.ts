import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { beforeEach, describe } from "vitest";
import type { EngineUnderTest, Shape, SiteUnderTest, WantedSite } from "./engine-under-test.ts";
import { haproxyDifferences } from "./haproxy-differences.ts";
import { haproxyEngine } from "./haproxy-engine.ts";
import { nodeEngine } from "./node-engine.ts";

interface TestedEngine {
  readonly engine: EngineUnderTest;
  /** Tests that it can't pass, with the reason that is shown. */
  readonly differences: readonly (readonly [name: RegExp, why: string])[];
}

const haproxy = await installedHaproxy();

/** Runs what an engine is known not to pass as well, to see whether that is still so and why. */
const auditing = process.env["SLUICE_AUDIT_DIFFERENCES"] !== undefined;

/** Every engine a site may choose; an engine is done when all tests here pass with it in this list. HAProxy is tested where it is installed. */
const engines: readonly TestedEngine[] = [
  { engine: nodeEngine, differences: [] },
  ...(haproxy === undefined
    ? []
    : [{ engine: haproxyEngine(haproxy), differences: haproxyDifferences(haproxy.version) }]),
];

/** Starts a site of the engine and shape that is being tested. */
export type StartSite = (wanted: WantedSite) => Promise<SiteUnderTest>;

/** Runs the same tests against every engine in every shape. */
export function eachEngine(tests: (startSite: StartSite, shape: Shape) => void): void {
  for (const { engine, differences } of engines) {
    for (const shape of engine.shapes) {
      describe(`${engine.name}, ${shape}`, () => {
        beforeEach(({ task, skip }) => {
          const [, why] = differences.find(([name]) => name.test(task.name)) ?? [];
          if (why !== undefined && !auditing) skip(why);
        });
        tests((wanted) => engine.startSite(shape, wanted), shape);
      });
    }
  }
}
