import { GetStatusResponse, ProbeResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import pc from "picocolors";
import { expect, test } from "vitest";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { renderProbe } from "./render-probe.ts";
import { renderStatus } from "./render-status.ts";
import { rolloutChanges } from "./rollout-changes.ts";
import { rolloutView, shorten, wrap } from "./rollout-view.ts";

const colors = pc.createColors(false);

const shape = {
  columns: Number.POSITIVE_INFINITY,
  colors,
  clock: (ms: number) => new Date(ms).toISOString().slice(11, 19),
};

test("status by unit has the four facts, with the reason and the age of what is not in sync", () => {
  const status = GetStatusResponse.fromPartial({
    fleet: "acme",
    environments: ["acceptance", "production"],
    hosts: [
      {
        host: "at-1",
        environment: "acceptance",
        connected: true,
        units: [
          {
            unit: "site:shop",
            desired: "2",
            installed: ["1", "2"],
            running: "2",
            proven: "2",
            condition: "in-sync",
            sentence: "",
          },
          {
            unit: "proxy:shop",
            desired: "settings b",
            installed: ["settings b"],
            running: "settings a",
            proven: "settings a",
            condition: "pending-activation",
            sentence: "waits for a rollout",
            pendingSinceMs: 1000,
          },
        ],
        observation: { remarks: ["switched by hand: coordinator is down"] },
      },
      { host: "web-1", environment: "production", connected: false, lastSeenMs: 31_000 },
    ],
    activeRollouts: [rolloutOf()],
    remarks: ["it takes itself for blind"],
  });
  expect(renderStatus(status, { ...shape, nowMs: 61_000, isByUnit: true })).toBe(
    `fleet acme: acceptance → production

ENVIRONMENT  HOST   UNIT        DESIRED     INSTALLED   RUNNING     PROVEN      STATE
acceptance   at-1   site:shop   2           1, 2        2           2           in-sync
acceptance   at-1   proxy:shop  settings b  settings b  settings a  settings a  pending-activation, for 1m: waits for a rollout
production   web-1  -           -           -           -           -           silent: last seen 30s ago

! coordinator: it takes itself for blind
! at-1: switched by hand: coordinator is down

r-1  shop 2: activating wave 1 of 1 in acceptance`,
  );
});

test("probe is a matrix of questions and hops for each host, with words for everything that is not good", () => {
  const result = (question: readonly [binding: string, probe: string], hop: string, outcome: object): object => ({
    host: "at-1",
    site: "shop",
    binding: question[0],
    hop,
    probe: question[1],
    tookMs: 3.08,
    outcome,
  });
  const good = { $case: "good", value: { status: 200 } };
  const bad = { $case: "bad", value: { status: 400, reason: "answered 400, expected 200" } };
  const answers = [
    ProbeResponse.fromPartial({
      host: "at-1",
      results: [
        result(["shop.internal", "GET /"], "slot", good),
        result(["shop.internal", "HEAD /up"], "slot", { $case: "good", value: { status: 204 } }),
        result(["shop.internal", "GET /"], "front", { $case: "bad", value: { reason: "no connection" } }),
        result(["shop.internal", "HEAD /up"], "front", good),
        result(["www.shop.example", "GET /"], "slot", good),
        result(["www.shop.example", "GET /"], "front", bad),
        result(["www.shop.example", "GET /"], "edge", {
          $case: "unknown",
          value: { reason: "the edge led to web-2" },
        }),
      ],
    }),
    ProbeResponse.fromPartial({
      host: "at-2",
      results: [
        { ...result(["shop.internal", "GET /"], "front", good), host: "at-2", tookMs: 81.7, bindingPort: 80 },
        { ...result(["shop.internal", "GET /"], "proxy", good), host: "at-2", tookMs: 81.7, bindingPort: 8080 },
      ],
    }),
    ProbeResponse.fromPartial({ host: "web-1", refusal: "not connected" }),
  ];
  expect(renderProbe(answers.toReversed(), colors)).toBe(
    `at-1
BINDING           PROBE     SLOT         PROXY  FRONT           EDGE
shop.internal     GET /     ✓ 200 3.1ms  -      ✗ failed 3.1ms  -
shop.internal     HEAD /up  ✓ 204 3.1ms  -      ✓ 200 3.1ms     -
www.shop.example  GET /     ✓ 200 3.1ms  -      ✗ 400 3.1ms     ? unknown

at-2
BINDING             PROBE  SLOT  PROXY       FRONT       EDGE
shop.internal       GET /  -     -           ✓ 200 82ms  -
shop.internal:8080  GET /  -     ✓ 200 82ms  -           -

✗ at-1 shop.internal via front, GET /: no connection
✗ at-1 www.shop.example via front, GET /: answered 400, expected 200
? at-1 www.shop.example via edge, GET /: the edge led to web-2
? web-1: not connected

6 of 9 probes on 2 hosts were answered as expected; 2 were not; 1 is unknown`,
  );
});

test("the view of a rollout shows waves, steps and what is waited for, each line within the width", () => {
  const rollout = rolloutOf({
    phase: "observing",
    statusLine: "observing wave 1 of 2 in production, 9s left",
    createdAtMs: 1000,
    stages: [
      {
        environment: "production",
        soakMs: 10_000,
        approval: [],
        gates: [],
        waves: [
          { steps: [{ host: "web-1", state: "provisional", units: [], switchMs: 2.5 }] },
          { steps: [{ host: "web-2", state: "pending", units: [] }] },
        ],
      },
    ],
    waitingOn: [{ kind: "soak", sentence: "wave 1 is observed", hosts: ["web-1"], details: [], untilMs: 22_000 }],
  });
  const view = rolloutView(rollout, { nowMs: 13_000, columns: 60, colors });
  expect(view).toBe(`shop 2  (r-1, 12s)
observing wave 1 of 2 in production, 9s left
  production
   ▸ wave 1 of 2
     ◐ web-1  provisional: switched in 2.5ms
     wave 2 of 2
     · web-2  pending
  waiting (soak, until 9s from now): wave 1 is observed`);
  const narrow = rolloutView(rollout, { nowMs: 13_000, columns: 20, colors });
  expect(narrow.split("\n").every((line) => [...line].length <= 20)).toBe(true);
});

test("sentences are wrapped, never cut, and keep their indentation", () => {
  expect(wrap("  halted: at-1 refused it", 14)).toEqual(["  halted: at-1", "  refused it"]);
  expect(wrap("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
  expect(wrap("any length", Number.POSITIVE_INFINITY)).toEqual(["any length"]);
});

test("what is too long is cut with an ellipsis", () => {
  expect(shorten("observing", 9)).toBe("observing");
  expect(shorten("observing", 5)).toBe("obse…");
});

test("a countdown alone is no change", () => {
  const waiting = (sentence: string): object => ({ kind: "soak", sentence, hosts: ["at-1"] });
  const before = rolloutOf({ statusLine: "observing, 2s left", waitingOn: [waiting("2s") as never] });
  const now = rolloutOf({ statusLine: "observing, 1s left", waitingOn: [waiting("1s") as never] });
  expect(rolloutChanges(before, now)).toEqual([]);
});
