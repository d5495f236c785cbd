import { toWireEvidenceRow } from "@sluice/protocol";
import {
  GetHealthResponse,
  GetStatusResponse,
  ProbeResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { expect, test } from "vitest";
import { evidenceRow, probeAt } from "../testing/evidence-rows.ts";
import { rolloutOf } from "../testing/fake-coordinator.ts";
import { runAgainst } from "../testing/run-against.ts";

const nowhere = "/nonexistent";

const event = (seq: number, unusual: object = {}): object => ({
  seq,
  atMs: Date.UTC(2026, 0, 5, 12, 0, seq),
  kind: "step.passed",
  by: "coordinator",
  sentence: "web-1 is passed",
  details: "{}",
  ...unusual,
});

test("status --json is the coordinator's whole answer on one line", async () => {
  const status = GetStatusResponse.fromPartial({ fleet: "acme", environments: ["production"] });
  const { exit, world, asked } = await runAgainst(nowhere, { unary: { getStatus: () => status } }, [
    "status",
    "--site",
    "shop",
    "--host",
    "web-1",
    "--json",
  ]);
  expect(exit).toBe(0);
  expect(JSON.parse(world.out())).toEqual(JSON.parse(JSON.stringify(status)));
  expect(asked[0]?.request).toEqual({ site: "shop", host: "web-1" });
});

test("events are a timeline that can be narrowed to a rollout or a host", async () => {
  const streams = {
    watchEvents: () => [event(1, { rolloutId: "r-1", host: "web-1" }), event(2, { rolloutId: "r-2" }), event(3)],
  };
  const all = await runAgainst(nowhere, { streams }, ["events", "--after", "0"]);
  expect(all.world.out().split("\n")).toEqual([
    "2026-01-05 12:00:00  step.passed [r-1 web-1]  web-1 is passed, by coordinator",
    "2026-01-05 12:00:00  step.passed [r-2]  web-1 is passed, by coordinator",
    "2026-01-05 12:00:00  step.passed  web-1 is passed, by coordinator",
    "",
  ]);
  const one = await runAgainst(nowhere, { streams }, ["events", "--rollout", "r-2", "--json"]);
  expect(JSON.parse(one.world.out())).toMatchObject({ seq: 2, rolloutId: "r-2" });
});

const result = (outcome: object): object => ({
  host: "at-1",
  site: "shop",
  binding: "app.com",
  hop: "slot",
  probe: "GET /",
  outcome,
});
const good = { $case: "good", value: { status: 200 } };
const bad = { $case: "bad", value: { status: 400, reason: "answered 400" } };
const unknown = { $case: "unknown", value: { reason: "gave up" } };

test.each([
  ["every answer is good", [{ host: "at-1", results: [result(good)] }], 0],
  ["one is bad", [{ host: "at-1", results: [result(good), result(bad)] }], 1],
  ["nothing but unknown came", [{ host: "at-1", results: [result(unknown)] }], 1],
  [
    "a host refused",
    [
      { host: "at-1", results: [result(good)] },
      { host: "web-1", results: [], refusal: "silent" },
    ],
    8,
  ],
  ["nobody answered", [], 8],
])("when %s, probe ends accordingly", async (_, answers, exitExpected) => {
  const { exit } = await runAgainst(
    nowhere,
    { streams: { probe: () => answers.map((answer) => ProbeResponse.fromPartial(answer)) } },
    ["probe", "shop"],
  );
  expect(exit).toBe(exitExpected);
});

test("rollout list is a table, newest first as the coordinator sends it", async () => {
  const rollouts = [
    rolloutOf({ id: "r-2", title: "shop 3" }),
    rolloutOf({ phase: "completed", statusLine: "completed on 3 hosts" }),
  ];
  const { world, asked } = await runAgainst(nowhere, { unary: { listRollouts: () => ({ rollouts }) } }, [
    "rollout",
    "list",
    "--active",
  ]);
  expect(asked[0]?.request).toEqual({ activeOnly: true, limit: 20 });
  expect(world.out()).toBe(`ID   PHASE       WHAT    BY    STATUS
r-2  activating  shop 3  anna  activating wave 1 of 1 in acceptance
r-1  completed   shop 2  anna  completed on 3 hosts
`);
});

test("schema prints a JSON Schema of the fleet file", async () => {
  const { exit, world } = await runAgainst(nowhere, {}, ["schema"]);
  expect(exit).toBe(0);
  expect(JSON.parse(world.out())).toMatchObject({
    type: "object",
    properties: { fleet: expect.anything(), sites: expect.anything() },
  });
});

const needy = evidenceRow({ stratum: probeAt(), required: true, state: "needs-more", missing: { requests: 5 } });
const observed = rolloutOf({ phase: "observing", evidence: [evidenceRow(), needy].map(toWireEvidenceRow) });

test("rollout show prints the evidence of the present verdict, and every stratum when asked for", async () => {
  const unary = { getRollout: () => ({ rollout: observed }) };
  const { world } = await runAgainst(nowhere, { unary }, ["rollout", "show", "r-1"]);
  expect(world.out()).toContain("evidence since the change: web-1 for 1m");
  expect(world.out()).toContain("needs 5 more good answers");
  expect(world.out()).toContain("1 more stratum is fine");
  const all = await runAgainst(nowhere, { unary }, ["rollout", "show", "r-1", "--all-strata"]);
  expect(all.world.out()).toMatch(/traffic +failed +0 of 512 .* fine\n/);
});

test("rollout show --json has every row of the evidence", async () => {
  const unary = { getRollout: () => ({ rollout: observed }) };
  const { world } = await runAgainst(nowhere, { unary }, ["rollout", "show", "r-1", "--json"]);
  expect(JSON.parse(world.out())).toMatchObject({
    rollout: {
      evidence: [
        { state: "fine", indicator: "failed" },
        { state: "needs-more", missing: { requests: 5 } },
      ],
    },
  });
});

test("health shows the hosts of the environment asked for, in words and as JSON", async () => {
  const hosts = [
    { host: "at-1", environment: "acceptance" },
    { host: "web-1", environment: "production" },
  ];
  const unary = { getHealth: () => GetHealthResponse.fromPartial({ site: "shop", hosts }) };
  const { world, asked } = await runAgainst(nowhere, { unary }, ["health", "shop", "--env", "production"]);
  expect(asked[0]).toMatchObject({ method: "getHealth", request: { site: "shop" } });
  expect(world.out()).toBe("web-1 (production)\nnothing was counted and no probe was answered yet\n");
  const json = await runAgainst(nowhere, { unary }, ["health", "shop", "--host", "at-1", "--json"]);
  expect(json.asked[0]?.request).toMatchObject({ site: "shop", host: "at-1" });
  expect(JSON.parse(json.world.out())).toMatchObject({ site: "shop", hosts });
});
