import { expect, test } from "vitest";
import { at, fedUntil, scene, trafficStrata } from "./health-builders.ts";
import { judgeTests } from "./judge-tests.ts";
import { latencyBucketOf } from "./latency-buckets.ts";

const strata = trafficStrata.filter(({ indicator }) => indicator === "slow" || indicator === "above-median");
const hosts = ["web-1", "web-2", "web-3"];

/** Fifty requests, all within a twentieth of a host's usual latency. */
function latencies(usualMs: number): readonly number[] {
  const buckets: number[] = Array(74).fill(0);
  for (let i = 0; i < 50; i++) {
    const bucket = latencyBucketOf(usualMs * (0.975 + i / 1000));
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  return buckets;
}

/** `slower` of each host since the change, whose usual latencies differ. */
const verdictOf = (usualMs: readonly number[], slower: readonly number[], second: number) => {
  const latency = (host: string, when: number) => {
    const index = hosts.indexOf(host);
    return latencies((usualMs[index] ?? 0) * (when >= 0 ? (slower[index] ?? 1) : 1));
  };
  return judgeTests(fedUntil(scene({ others: 2, historyS: 600, strata, latency }), second), {
    now: at(second),
    hosts: ["web-1"],
  }).kind;
};

test("hosts that all become slower by the same factor halt nothing, wherever in a bucket their latencies lie", () => {
  for (const usualMs of [
    [18.9, 17, 21],
    [17.1, 18.8, 20],
    [22.4, 20.5, 19],
  ]) {
    for (const factor of [1.06, 1.12, 1.2, 1.4, 3]) {
      expect(verdictOf(usualMs, [factor, factor, factor], 600), `${usualMs} x ${factor}`).not.toBe("regressed");
    }
  }
});

test("a host that becomes slower by half on its own halts within three minutes, wherever in a bucket its latencies lie", () => {
  for (const usualMs of [17, 18.9, 20, 21]) expect(verdictOf([usualMs, 19, 20], [1.5, 1, 1], 180)).toBe("regressed");
});
