import { ReadEventsResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { expect, test } from "vitest";
import { runAgainst } from "../testing/run-against.ts";

const nowhere = "/nonexistent";
const noon = Date.UTC(2026, 0, 5, 12);

const event = (seq: number, unusual: object = {}): object => ({
  seq,
  atMs: noon + seq * 1000,
  kind: "step.passed",
  by: "coordinator",
  sentence: "web-1 is passed",
  rolloutId: "r-1",
  host: "web-1",
  details: "{}",
  ...unusual,
});

const page = (events: readonly object[], more = false): ReadEventsResponse =>
  ReadEventsResponse.fromPartial({ events: [...events], more, nowMs: noon + 60_000 });

/** Two pages: the second one holds what came after the last event of the first. */
const pages = {
  unary: {
    readEvents: ({ afterSeq }: { readonly afterSeq: number }) =>
      afterSeq === 0 ? page([event(1), event(2, { kind: "intent.issued" })], true) : page([event(3)]),
  },
};

test("timeline reads page after page and prints a line an event, without what is routine", async () => {
  const { exit, world, asked } = await runAgainst(nowhere, pages, ["timeline"], { now: () => noon });
  expect(exit).toBe(0);
  expect(world.out()).toBe(`2026-01-05 12:00:01  step.passed [r-1 web-1]  web-1 is passed, by coordinator
2026-01-05 12:00:03  step.passed [r-1 web-1]  web-1 is passed, by coordinator
`);
  expect(asked.map(({ request }) => request)).toMatchObject([
    { afterSeq: 0, sinceMs: noon - 86_400_000 },
    { afterSeq: 2, sinceMs: noon - 86_400_000 },
  ]);
});

test("timeline asks the coordinator for no more than what it shows, and a rollout from its beginning", async () => {
  const narrow = ["--since", "2026-01-05 11:00", "--until", "1h", "--site", "shop", "--host", "web-1"];
  const { asked } = await runAgainst(nowhere, pages, ["timeline", ...narrow, "--zone", "Europe/Oslo"], {
    now: () => noon,
  });
  expect(asked[0]?.request).toMatchObject({
    sinceMs: Date.UTC(2026, 0, 5, 10),
    untilMs: noon - 3_600_000,
    site: "shop",
    host: "web-1",
  });
  const one = await runAgainst(nowhere, pages, ["timeline", "--rollout", "r-1"]);
  expect(one.asked[0]?.request).toMatchObject({ rolloutId: "r-1" });
  expect(one.asked[0]?.request).toHaveProperty("sinceMs", undefined);
});

test("timeline as markdown is the report of an incident", async () => {
  const cause = { kind: "regressed", sentence: "app.com: 400", evidence: ["app.com via edge: 40 of 40 answered 400"] };
  const events = [
    event(1, { kind: "rollout.started", by: "ada", details: '{"title":"shop 2","hosts":["web-1"],"sites":["shop"]}' }),
    event(2, { kind: "step.provisional" }),
    event(18, { kind: "rollout.halted", details: JSON.stringify({ cause }) }),
    event(20, { kind: "step.reverted" }),
  ];
  const unary = { readEvents: () => page(events) };
  const { world } = await runAgainst(nowhere, { unary }, ["timeline", "--format", "markdown"]);
  expect(world.out()).toContain("# Incident report\n\n2026-01-05 12:00:01 to 2026-01-05 12:00:20 (UTC), 4 events.");
  expect(world.out()).toContain("**Halted:** 2026-01-05 12:00:18, 16s after its first host went live: app.com: 400.");
  expect(world.out()).toContain("> app.com via edge: 40 of 40 answered 400");
});

test("timeline as JSON is one event a line, with its details as a document", async () => {
  const unary = { readEvents: () => page([event(1, { details: '{"switchMs":12}' })]) };
  const { world } = await runAgainst(nowhere, { unary }, ["timeline", "--json"]);
  expect(JSON.parse(world.out())).toMatchObject({ seq: 1, rollout: "r-1", details: { switchMs: 12 } });
});

test.each([
  [["--since", "yesterday"], "cannot read --since 'yesterday': it is neither a duration nor a time"],
  [["--zone", "Mars/Base"], "cannot show times by the clocks of 'Mars/Base': there is no such zone"],
  [["--format", "pdf"], "Allowed choices are text, markdown, json"],
])("timeline %s is refused before anybody is asked", async (words, sentence) => {
  const { exit, world, asked } = await runAgainst(nowhere, pages, ["timeline", ...words]);
  expect(exit).toBe(2);
  expect(world.err()).toContain(sentence);
  expect(asked).toEqual([]);
});
