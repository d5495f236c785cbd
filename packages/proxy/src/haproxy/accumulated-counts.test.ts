import { expect, test } from "vitest";
import { siteProcess } from "../testing/process-settings.ts";
import {
  accumulate,
  isSameButProbes,
  noCounts,
  parseTable,
  parseUnreachable,
  proxyCounts,
  type WorkerCounts,
  workerName,
} from "./accumulated-counts.ts";
import { countBase, probeStep } from "./count-keys.ts";

/** So many fast answers of 200 to users of the first binding. */
const answered = (count: number): WorkerCounts => ({ ...noCounts, answers: { "0": count } });
const okOf = (counts: Parameters<typeof proxyCounts>[1]): number | undefined =>
  proxyCounts(siteProcess({}), counts).bindings[0]?.users.outcomes.ok;

test("what was read last of a worker stays when it is gone, and counts once", () => {
  const [old, next] = [workerName(10, 1000), workerName(11, 5000)];
  const first = accumulate(undefined, { [old]: answered(5) });
  const both = accumulate(first, { [old]: answered(7), [next]: answered(1) });
  const gone = accumulate(both, { [next]: answered(2) });
  expect([first, both, gone].map(okOf)).toEqual([5, 8, 9]);
  expect(accumulate(gone, { [next]: answered(2) })).toEqual(gone);
  expect(gone.startedAt, "counting began with the first worker").toBe(1000);
});

test("a worker that has the pid of one that is gone is another worker", () => {
  const first = accumulate(undefined, { [workerName(10, 1000)]: answered(5) });
  expect(okOf(accumulate(first, { [workerName(10, 9000)]: answered(1) }))).toBe(6);
});

test("without what was written down counting begins anew, and says so", () => {
  const counts = accumulate(undefined, { [workerName(12, 7000)]: answered(1), [workerName(10, 6000)]: answered(1) });
  expect(counts.startedAt).toBe(6000);
});

test("requests without an answer are in the last bucket, upgraded ones in none", () => {
  const upgraded = 8 * 128 + 3;
  const counts = accumulate(undefined, {
    [workerName(1, 1)]: { ...noCounts, answers: { "4": 2, [upgraded]: 1 }, unreachable: { "0": 3 } },
  });
  const users = proxyCounts(siteProcess({}), counts).bindings[0]?.users;
  expect(users?.outcomes).toEqual({ ok: 2, upgraded: 1, unreachable: 3 });
  expect(users?.latency.flatMap((count, bucket) => (count > 0 ? [[bucket, count]] : []))).toEqual([
    [4, 2],
    [73, 3],
  ]);
  expect(users?.sumMs).toBeGreaterThan(0.8);
  expect(users?.sumMs).toBeLessThan(1);
});

test("two readings are the same but for probes exactly when nothing of users, of refusals or of workers differs", () => {
  const worker = workerName(1, 1);
  const ofProbe = String(countBase(0) + probeStep);
  const before = accumulate(undefined, { [worker]: { ...answered(5), answers: { "0": 5, [ofProbe]: 1 } } });
  const reading = (changed: Partial<WorkerCounts>) =>
    accumulate(before, { [worker]: { ...answered(5), answers: { "0": 5, [ofProbe]: 9 }, ...changed } });
  expect(isSameButProbes(before, reading({})), "only probes").toBe(true);
  expect(isSameButProbes(before, reading({ answers: { "0": 6, [ofProbe]: 1 } })), "an answer").toBe(false);
  expect(isSameButProbes(before, reading({ answers: { [ofProbe]: 1 } })), "fewer of users").toBe(false);
  expect(isSameButProbes(before, reading({ unreachable: { "0": 1 } })), "no answer").toBe(false);
  expect(isSameButProbes(before, reading({ refused: { malformed: 1 } })), "a refusal").toBe(false);
  expect(isSameButProbes(before, accumulate(before, { [workerName(2, 2)]: answered(5) })), "a worker").toBe(false);
});

test("tables and lines of HAProxy are read as they are", () => {
  const table =
    "# table: counts, type: integer, size:10240, used:2\n0x563bc6caee98: key=0 use=0 exp=2073599907 http_req_cnt=1\n0x563bc6cae9b8: key=10 use=1 exp=2073599895 http_req_cnt=22\n";
  expect(parseTable(table)).toEqual({ "0": 1, "10": 22 });
  expect(parseUnreachable("0 3\n4096 1\n")).toEqual({ "0": 3, "4096": 1 });
  expect(parseUnreachable("Unknown command\n")).toEqual({});
});
