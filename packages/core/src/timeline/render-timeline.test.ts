import { expect, test } from "vitest";
import { at, rollout, world } from "../rollout/rollout-builders.ts";
import { instant } from "../units/time.ts";
import { renderIncidentReport, renderTimeline } from "./render-timeline.ts";
import { haltedHistory, logged } from "./timeline-builders.ts";

const view = { zone: "UTC", now: at(60_000) };
const halted = logged([
  ...haltedHistory(world(rollout({ reason: "search | <b>faster</b>" }))),
  { at: at(50_000), kind: "host.silent", by: "web-3", sentence: "web-3 has fallen silent", host: "web-3" },
  { at: at(50_000), kind: "intent.issued", by: "coordinator", sentence: "web-1 has intent 7", host: "web-1" },
]);

test("a line has the time, what happened, about what, in words, and by whom", () => {
  const lines = renderTimeline(halted, view).split("\n");
  expect(lines[0]).toBe("1970-01-01 00:16:40  rollout.started [r-1]  ada started shop 2.4.0: search | <b>faster</b>");
  expect(lines).toContain(
    "1970-01-01 00:17:15  step.failed [r-1 web-2]  web-2 is failed: exited with code 1 on start, by coordinator",
  );
});

test("what is routine is left out unless it is asked for, and nothing is said in words", () => {
  expect(renderTimeline(halted, view)).not.toContain("intent.issued");
  expect(renderTimeline(halted, { ...view, all: true })).toContain("intent.issued");
  expect(renderTimeline([], view)).toBe("nothing happened in this time");
});

test("the report says what changed, when it halted, whom it met and for how long", () => {
  const report = renderIncidentReport(halted, view);
  expect(report).toContain("# Incident report\n\n1970-01-01 00:16:40 to 1970-01-01 00:17:30 (UTC), 17 events.");
  expect(report).toContain(
    "**What changed:** shop 2.4.0 (rollout r-1), started at 1970-01-01 00:16:40 by ada: search \\| \\<b\\>faster\\</b\\>; it went back, since 1970-01-01 00:17:16.",
  );
  expect(report).toContain(
    "**Halted:** 1970-01-01 00:17:15, 33s after its first host went live: web-2: exited with code 1 on start; it never served a request there.",
  );
  expect(report).toContain(
    "**Affected:** users of 1 of 3 hosts: web-1 from 1970-01-01 00:16:42 until 1970-01-01 00:17:16.\n- **How long:** 34s.",
  );
  expect(report).toContain("### Besides\n\n- web-3 has fallen silent.");
});

test("the report quotes the evidence, and its table keeps its columns whatever people wrote", () => {
  const report = renderIncidentReport(halted, view);
  expect(report).toContain("## Evidence against shop 2.4.0");
  expect(report).toContain("> web-2: exited with code 1 on start; it never served a request there");
  const rows = report.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  expect(rows).toHaveLength(1 + 17);
  for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(7);
});

test("a fault that was found before the switch has affected nobody", () => {
  const first = world(rollout());
  const early = haltedHistory(first).slice(0, 3);
  const cause = { kind: "step-failed", sentence: "web-1: answered 400", evidence: [], at: at(9) };
  const events = logged([
    ...early,
    { at: at(9), kind: "rollout.halted", by: "coordinator", sentence: "halted", rollout: "r-1", details: { cause } },
  ]);
  const report = renderIncidentReport(events, view);
  expect(report).toContain("before any host was live: web-1: answered 400");
  expect(report).toContain("**Affected:** nobody; no user was led to it.");
});

test("what is live still is told as such, until now", () => {
  const [before] = haltedHistory(world()).flatMap((event, index) =>
    event.kind === "rollout.halted" ? [index + 1] : [],
  );
  const report = renderIncidentReport(logged(haltedHistory(world()).slice(0, before)), view);
  expect(report).toContain("web-1 from 1970-01-01 00:16:42 is live there still");
  expect(report).toContain("**How long:** 58s.");
});

test("times are shown by the clocks of the zone that is asked for", () => {
  const summer = [
    { at: instant(Date.UTC(2026, 6, 1)), kind: "fleet.applied", by: "ada", sentence: "ada applied it", seq: 1 },
  ];
  expect(renderTimeline(summer, { ...view, zone: "Europe/Oslo" })).toMatch(/^2026-07-01 02:00:00 {2}/);
});
