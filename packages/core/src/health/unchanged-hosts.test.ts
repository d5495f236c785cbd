import { expect, test } from "vitest";
import { changedToo, probeStratum, scene, started } from "./health-builders.ts";
import { startTests } from "./start-tests.ts";
import { controlsMax, hostsToCompare } from "./unchanged-hosts.ts";

/** A probe and enough rounds of it for a history. */
const short = scene({ others: 2 * controlsMax, historyS: 400, strata: [probeStratum] });

const comparedIn = (tests: ReturnType<typeof started>["tests"], host: string): readonly string[] =>
  Object.values(tests).find((test) => test.host === host)?.comparedWith ?? [];

test("a host of a large wave is compared with those that stay unchanged for longest, and with no more than make a difference", () => {
  const compared = comparedIn(started(short).tests, "web-1");
  expect(compared).toHaveLength(controlsMax);
  expect(compared[0]).toBe(`web-${controlsMax + 2}`);
  expect(compared.at(-1)).toBe(`web-${2 * controlsMax + 1}`);
});

test("a host that has changed as well is compared with no more", () => {
  const last = `web-${2 * controlsMax + 1}`;
  const { tests } = changedToo(short, changedToo(short, started(short), last, 20), "web-2", 40);
  expect(comparedIn(tests, "web-2")).toHaveLength(controlsMax);
  expect(comparedIn(tests, "web-2")).not.toContain(last);
});

test("the history that is wanted is that of hosts with the site, wherever they stand among the others", () => {
  const hosts = Array.from({ length: 100 }, (_, index) => `web-${index + 1}`);
  const state = startTests({
    settings: { production: { shop: short.settings } },
    hosts: hosts.map((host) => ({ host, environment: "production", changes: true, strata: [probeStratum] })),
  });
  const serving = ["web-1", "web-2", "web-3"];
  expect(hostsToCompare(state, "web-1", (host) => (serving.includes(host) ? ["shop"] : ["blog"]))).toEqual(serving);
  const all = hostsToCompare(state, "web-1", () => ["shop"]);
  expect(all).toEqual(["web-1", ...hosts.slice(-controlsMax)]);
});
