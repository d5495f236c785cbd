import { expect, test } from "vitest";
import {
  answered400,
  changedAt,
  counted,
  good,
  probeStratum,
  scene,
  started,
  trafficStrata,
} from "./health-builders.ts";
import { startTests } from "./start-tests.ts";
import { testHost, testHostSteps } from "./test-host.ts";

const day = 86_400;

/** A day on which a hundredth of everything goes wrong, in a pattern that no two hosts share. */
const busy = scene({
  historyS: day,
  traffic: (host, second) => ({ ok: 99, failed: (second / 10 + host.length) % 7 === 0 ? 5 : 0, refused: 1 }),
  latency: () => [50, 40, 10],
  probe: (_host, second) => (second % 1000 === 0 ? answered400 : good),
});

const planned = () =>
  startTests({
    settings: { production: { shop: busy.settings } },
    hosts: ["web-1", "web-2", "web-3", "web-4"].map((host) => ({
      ...{ host, environment: "production", changes: true },
      strata: [...trafficStrata, probeStratum],
    })),
  });

test("a busy day is taken in many small steps, and comes to the same as at once", () => {
  const state = planned();
  const history = counted(busy, -day, 0);
  const steps = testHostSteps(state, { host: "web-1", since: changedAt, history });
  let taken = 0;
  for (;;) {
    const { done, value } = steps.next();
    taken += 1;
    if (done !== true) continue;
    expect(value).toEqual(testHost(state, { host: "web-1", since: changedAt, history }));
    break;
  }
  const strata = trafficStrata.length + 1;
  expect(taken).toBeGreaterThan((history.traffic.length + history.probes.length) / 10_000 + 3 * strata);
});

test("the order in which history comes, what comes twice, and what belongs to the change itself make no difference", () => {
  const short = scene({ ...busy, historyS: 3600 });
  const { traffic, probes } = counted(short, -3600, 0);
  const later = counted(short, 0, 60);
  const history = {
    traffic: [...later.traffic, ...traffic.toReversed(), ...traffic.slice(0, 50)],
    probes: [...probes.slice(0, 50), ...probes.toReversed(), ...later.probes],
  };
  expect(testHost(planned(), { host: "web-1", since: changedAt, history })).toEqual(started(short));
});

test("a host that is tested already stays as it is, and so does one that no plan knows", () => {
  const tested = started(scene({ historyS: 600 }));
  const again = { host: "web-1", since: changedAt, history: { traffic: [], probes: [] } };
  expect(testHost(tested, again)).toBe(tested);
  expect(testHost(tested, { ...again, host: "db-1" })).toBe(tested);
});
