import { expect, test } from "vitest";
import { parseH2load } from "./parse-h2load.ts";
import { durationMsOf, parseWrk } from "./parse-wrk.ts";

const wrkReport = `Running 3s test @ http://localhost:21000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.62ms  301.40us   9.21ms   93.10%
    Req/Sec    39.62k     1.20k   41.20k    80.00%
  Latency Distribution
     50%  812.00us
     75%    1.70ms
     90%    1.85ms
     99%    2.41ms
  118321 requests in 3.00s, 18.05MB read
Requests/sec:  39427.12
Transfer/sec:      6.01MB
`;

const h2loadReport = `starting benchmark...
finished in 3.00s, 36000.33 req/s, 5.56MB/s
requests: 108001 total, 108065 started, 108001 done, 108001 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 108001 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 16.69MB (17496162) total, 8.03MB (8424078) headers (space savings 0.00%), 618.00KB (632824) data
                     min         max         mean         sd        +/- sd
time for request:      210us      6.40ms      1.77ms       301us    86.20%
time for connect:      151us      1.20ms       700us       300us    60.00%
`;

test("a wrk report gives requests, rate and latency in milliseconds", () => {
  expect(parseWrk(wrkReport)).toEqual({
    requests: 118_321,
    requestsPerSecond: 39_427.12,
    p50Ms: 0.812,
    p99Ms: 2.41,
    failed: 0,
  });
});

test("wrong answers and socket errors of every kind are failures", () => {
  const errors =
    "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 90\nRequests/sec:";
  expect(parseWrk(wrkReport.replace("Requests/sec:", errors)).failed).toBe(100);
});

test("a report in which something is missing is refused with its text", () => {
  expect(() => parseWrk("unable to connect to localhost:1 Connection refused")).toThrow(/unable to connect/);
  expect(() => parseH2load("")).toThrow(/cannot read h2load's report/);
});

test("an h2load report gives requests, rate and times", () => {
  expect(parseH2load(h2loadReport)).toEqual({
    requests: 108_001,
    requestsPerSecond: 36_000.33,
    meanMs: 1.77,
    slowestMs: 6.4,
    failed: 0,
  });
});

test("an answer of h2load's that is a failure in both of its lines counts once", () => {
  const wrong = h2loadReport
    .replace("0 failed, 0 errored", "7 failed, 0 errored")
    .replace("0 4xx, 0 5xx", "0 4xx, 7 5xx");
  expect(parseH2load(wrong).failed).toBe(7);
});

test("times are read in every unit, and nothing else is taken for one", () => {
  expect(["250us", "1.5ms", "2.50s", "1.00m"].map(durationMsOf)).toEqual([0.25, 1.5, 2500, 60_000]);
  expect(() => durationMsOf("fast")).toThrow(/cannot read the time 'fast'/);
});
