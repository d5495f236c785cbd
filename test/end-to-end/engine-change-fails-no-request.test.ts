import { readFileSync } from "node:fs";
import type { EngineName } from "@sluice/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engines } from "./support/each-engine.ts";
import { pidsOf } from "./support/look-at.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ hosts: ["h1", "h2"], engine: "node" });
  await fleet.push("shop", "1");
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

/** Edits the engine in the fleet file and applies it, as an operator does. */
async function changeEngine(engine: EngineName): Promise<void> {
  const { exit, lines } = await fleet.sluice("apply", "--yes", "-f", await fleet.fleetFile({ engine }));
  expect({ exit, said: exit === 0 ? "" : lines.join("\n") }).toEqual({ exit: 0, said: "" });
}

/** What the process of every front and site proxy is, by its own name. */
async function programsOf(): Promise<ReadonlyMap<string, string>> {
  const proxies = [...(await pidsOf(fleet))].filter(([unit]) => !unit.includes("site:"));
  return new Map(proxies.map(([unit, pid]) => [unit, programOf(pid)]));
}

const programOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "haproxy" ? "haproxy" : "node";

const everywhere = (program: EngineName): ReadonlyMap<string, string> =>
  new Map(["h1", "h2"].flatMap((host) => ["front", "proxy:shop"].map((unit) => [`${host} ${unit}`, program])));

test.runIf(engines.includes("haproxy"))(
  "a running site goes from node to haproxy and back without a failed request",
  async () => {
    expect(await programsOf()).toEqual(everywhere("node"));
    const users = startUsers(fleet);
    for (const engine of ["haproxy", "node"] as const) {
      await changeEngine(engine);
      expect(await programsOf()).toEqual(everywhere(engine));
    }
    await expectNoneFailed("engine changes", users, { changes: 2, proxies: 4 });
  },
);
