import { expect, test } from "vitest";
import { bars, judgeBars } from "./bars.ts";
import { Measurements } from "./measurements/measurements.ts";

const small = { suite: "throughput", workload: "small" } as const;

function resultOf(measurements: Measurements, id: string) {
  return judgeBars(measurements).find((result) => result.id === id);
}

test("a bar whose suite did not run is not measured, and not missed", () => {
  expect(judgeBars(new Measurements()).map(({ kind }) => kind)).toEqual(bars.map(() => "not-measured"));
});

test("where both kept their core busy, the ratio is that of the medians of requests a second", () => {
  const measurements = new Measurements();
  const busyPercent = 99;
  for (const [round, requestsPerSecond] of [3000, 3100, 9000].entries()) {
    measurements.add({ ...small, target: "haproxy own port" }, round, { requestsPerSecond, busyPercent });
  }
  measurements.add({ ...small, target: "caddy" }, 1, { requestsPerSecond: 1000, busyPercent });
  expect(resultOf(measurements, "own-port-haproxy-caddy")).toMatchObject({ kind: "met", value: 3.1 });
});

test("where one of them left its core idle, the ratio is that of CPU time", () => {
  const measurements = new Measurements();
  const ours = { requestsPerSecond: 9000, busyPercent: 99, cpuMicrosPerRequest: 40 };
  measurements.add({ ...small, target: "haproxy own port" }, 1, ours);
  const caddys = { requestsPerSecond: 1000, busyPercent: 30, cpuMicrosPerRequest: 100 };
  measurements.add({ ...small, target: "caddy" }, 1, caddys);
  expect(resultOf(measurements, "own-port-haproxy-caddy")).toMatchObject({ kind: "missed", value: 2.5 });
});

test("one failed request of ours misses the bar, a peer's don't count", () => {
  const measurements = new Measurements();
  const failures = { suite: "failures", workload: "100 switches" } as const;
  measurements.add({ ...failures, target: "caddy" }, 1, { failed: 3 });
  expect(resultOf(measurements, "failed-requests")).toMatchObject({ kind: "not-measured" });
  measurements.add({ ...failures, target: "node own port" }, 1, { failed: 0 });
  expect(resultOf(measurements, "failed-requests")).toMatchObject({ kind: "met", value: 0 });
  measurements.add({ ...failures, target: "haproxy shared port" }, 1, { failed: 1 });
  expect(resultOf(measurements, "failed-requests")).toMatchObject({ kind: "missed", value: 1 });
});

test("the slowest kind of switch is the one that counts", () => {
  const measurements = new Measurements();
  const switched = { suite: "changes", workload: "switch" } as const;
  measurements.add({ ...switched, target: "node own port" }, 1, { firstServedMs: 4 });
  measurements.add({ suite: "changes", workload: "switch in a rollout", target: "haproxy" }, 1, { switchMs: 26 });
  measurements.add({ suite: "changes", workload: "reload", target: "caddy" }, 1, { firstServedMs: 300 });
  expect(resultOf(measurements, "switch-time")).toMatchObject({ kind: "missed", value: 26 });
});

test("the agent is judged with 20 sites, whatever it costs with more", () => {
  const measurements = new Measurements();
  measurements.add({ suite: "footprint", workload: "100 sites", target: "node" }, 1, { agentRssMb: 300 });
  measurements.add({ suite: "footprint", workload: "20 sites", target: "node" }, 1, { agentRssMb: 120 });
  expect(resultOf(measurements, "agent-memory")).toMatchObject({ kind: "met", value: 120 });
});
