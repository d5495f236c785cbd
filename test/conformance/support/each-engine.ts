import { describe } from "vitest";
import type { EngineUnderTest, Shape, SiteUnderTest, WantedSite } from "./engine-under-test.ts";
import { nodeEngine } from "./node-engine.ts";

/** Every engine a site may choose; an engine is done when all tests here pass with it in this list. */
const engines: readonly EngineUnderTest[] = [nodeEngine];

/** Starts a site of the engine and shape that is being tested. */
export type StartSite = (wanted: WantedSite) => Promise<SiteUnderTest>;

/** Runs the same tests against every engine in every shape. */
export function eachEngine(tests: (startSite: StartSite, shape: Shape) => void): void {
  for (const engine of engines) {
    for (const shape of engine.shapes) {
      describe(`${engine.name}, ${shape}`, () => tests((wanted) => engine.startSite(shape, wanted), shape));
    }
  }
}
