import { expect, test } from "vitest";
import { minutes } from "../units/time.ts";
import { describeRegression } from "./describe-row.ts";
import {
  answered400,
  at,
  fedUntil,
  good,
  probeStratum,
  type Scene,
  scene,
  trafficStrata,
  way,
} from "./health-builders.ts";
import { defaultHealthSettings } from "./health-settings.ts";
import { judgeTests } from "./judge-tests.ts";
import type { Verdict } from "./verdict.ts";

const judged = (of: Scene, second: number): Verdict =>
  judgeTests(fedUntil(of, second), { now: at(second), hosts: ["web-1"] });
const sentences = (verdict: Verdict): readonly string[] =>
  verdict.kind === "inconclusive" ? verdict.missing : verdict.reasons;

/** Of web-1 since the change only. */
const broken =
  <B, W>(bad: B, well: W, hosts: readonly string[] = ["web-1"]) =>
  (host: string, second: number): B | W =>
    second >= 0 && hosts.includes(host) ? bad : well;

test("a healthy host passes when its time to bake is over, and says what is excluded", () => {
  expect(judged(scene(), 140).kind).toBe("inconclusive");
  const verdict = judged(scene(), 170);
  expect(sentences(verdict)).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 0 of 850 requests failed (5xx or no answer) since the change; excludes an increase of 0.49 % or more",
      "app.com via proxy on web-1: 0 of 850 requests were refused (400 or another 4xx) since the change; excludes an increase of 0.49 % or more",
      "app.com via edge on web-1: 0 of 17 probes GET / were not answered as expected since the change; excludes an increase of 18 % or more",
    ]
  `);
  expect(verdict.kind).toBe("pass");
});

test("a binding that answers 400 halts, with counts both ways and what is not affected", () => {
  const of = scene({ traffic: broken({ refused: 40 }, { ok: 40 }) });
  const halt = [50, 80, 100, 120].find((second) => judged(of, second).kind === "regressed") ?? 0;
  expect(halt).toBeLessThanOrEqual(120);
  expect(sentences(judged(of, halt))).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 400 of 400 requests were refused (400 or another 4xx) since the change; 0 of 28,800 before; on 3 other hosts 0 of 1,200 in the same time. Evidence 16,940 : 1 against chance (needs 1,944 : 1). Not affected: app.com via edge (0 of 10)",
    ]
  `);
});

test("a stratum that halts only together with others says so, since its own evidence is below its bar", () => {
  const { rows = [] } = judged(scene({ traffic: broken({ refused: 40 }, { ok: 40 }) }), 120);
  const [row] = rows.filter(({ state }) => state === "regressed");
  if (row === undefined) throw new Error("nothing regressed");
  expect(describeRegression({ ...row, evidence: 600, bar: 1000 }, rows)).toContain(
    "Evidence 600 : 1 against chance, enough with that of the others (alone it needs 1,000 : 1)",
  );
});

test("trouble that all hosts share is told before what is not in yet, since it is why a rollout pauses", () => {
  const of = scene({
    strata: [probeStratum, ...trafficStrata],
    traffic: broken({ failed: 40 }, { ok: 40 }, ["web-1", "web-2", "web-3", "web-4"]),
    probe: (_host, second) => (second < 0 ? good : undefined),
  });
  const [first, second] = sentences(judged(of, 600));
  expect(first).toContain("the environment is unhealthy");
  expect(second).toContain("has no probes GET / since the change");
});

test("what fails on the hosts that were not changed as well is not this change's doing: inconclusive, and the environment is named", () => {
  const everywhere = ["web-1", "web-2", "web-3", "web-4"];
  const of = scene({
    traffic: broken({ failed: 40 }, { ok: 40 }, everywhere),
    probe: broken(answered400, good, everywhere),
  });
  const verdict = judged(of, 600);
  expect(verdict).toMatchObject({ kind: "inconclusive", environmentUnhealthy: true });
  expect(sentences(verdict)).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 2,400 of 2,400 requests failed (5xx or no answer) since the change; 0 of 28,800 before; on 3 other hosts 7,200 of 7,200 in the same time: the environment is unhealthy, and the change is not the cause",
      "app.com via edge on web-1: 60 of 60 probes GET / were not answered as expected since the change, the last one answered 400, expected 200; 0 of 720 before; on 3 other hosts 180 of 180 in the same time: the environment is unhealthy, and the change is not the cause",
    ]
  `);
});

test("silence is no pass, however long it lasts", () => {
  const of = scene({ traffic: broken({}, { ok: 50 }), probe: (_, second) => (second < 0 ? good : undefined) });
  const verdict = judged(of, 3600);
  expect(verdict.kind).toBe("inconclusive");
  expect(sentences(verdict)).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 0 requests since the change, far less than its share before: users go elsewhere (DNS, load balancer?), which is neither good nor bad, and no pass without them: find out where they are, or promote it with a reason",
      "app.com via edge on web-1 has no probes GET / since the change; needs 8 more good answers (about 1m 20s at the present rate)",
    ]
  `);
});

test("a probe that never worked halts after three rounds, where nothing can be compared", () => {
  const of = scene({ strata: [probeStratum], probe: (_, second) => (second < 0 ? undefined : answered400) });
  expect(judged(of, 20).kind).toBe("inconclusive");
  expect(sentences(judged(of, 30))).toMatchInlineSnapshot(`
    [
      "app.com via edge on web-1 never worked: 3 of 3 probes GET / were not answered as expected since the change, the last one answered 400, expected 200; there is nothing to compare it with. Nothing else on this host is known to be well",
    ]
  `);
});

test("a site with a request a minute passes by its probes", () => {
  const of = scene({ traffic: (_, second) => (second % 60 === 0 ? { ok: 1 } : {}) });
  expect(judged(of, 180).kind).toBe("pass");
});

test("a site with a request a minute and no probes does not pass for lack of evidence, and says how long it takes", () => {
  const of = scene({ strata: trafficStrata, traffic: (_, second) => (second % 60 === 0 ? { ok: 1 } : {}) });
  const verdict = judged(of, 180);
  expect(sentences(verdict)).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 0 of 3 requests failed (5xx or no answer) since the change; excludes an increase of 74 % or more; needs 3 more good requests (about 3m at the present rate)",
      "app.com via proxy on web-1: 0 of 3 requests were refused (400 or another 4xx) since the change; excludes an increase of 74 % or more; needs 3 more good requests (about 3m at the present rate)",
    ]
  `);
});

test("a block with some failures halts nothing and holds nothing", () => {
  const burst = { failed: 5, ok: 45 };
  const of = scene({ traffic: (host, second) => (host === "web-1" && second === 20 ? burst : { ok: 50 }) });
  expect(judged(of, 600).kind).toBe("pass");
});

test("latency is judged by each host's own history: three quarters slower than nearly all before is a regression", () => {
  const usual = [0, 0, 0, 0, 48, 2];
  const slower = [0, 0, 0, 0, 12, 0, 0, 38];
  const of = scene({ latency: (host, second) => (host === "web-1" && second >= 0 ? slower : usual) });
  const verdict = judged(of, 240);
  expect(sentences(verdict)[0]).toContain("were slower than 95 % of those before");
  expect(sentences(verdict)[0]).toContain("Not affected: app.com via edge (0 of 24)");
  expect(verdict.kind).toBe("regressed");
});

test("a slow start within the warm-up is nothing", () => {
  const of = scene({
    latency: (host, second) =>
      host === "web-1" && second >= 0 && second < 30 ? [0, 0, 0, 0, 0, 0, 0, 50] : [0, 0, 0, 0, 50],
  });
  expect(judged(of, 240).kind).toBe("pass");
});

test("users that stay away are no pass, however well the probes are answered, unless only probes are required", () => {
  const of = scene({ traffic: broken({}, { ok: 50 }) });
  expect(sentences(judged(of, 3600))).toMatchInlineSnapshot(`
    [
      "app.com via proxy on web-1: 0 requests since the change, far less than its share before: users go elsewhere (DNS, load balancer?), which is neither good nor bad, and no pass without them: find out where they are, or promote it with a reason",
    ]
  `);
  const required = [{ indicator: "unexpected" as const }];
  expect(judged({ ...of, settings: { ...of.settings, required } }, 170).kind).toBe("pass");
});

test("users of a small site that stay away are missed as well, unless they had stopped coming before", () => {
  const rare = (until: number) =>
    scene({ others: 0, traffic: (_, second) => (second < until && second % 30 === 0 ? { ok: 1 } : {}) });
  expect(judged(rare(1e6), 600).kind).toBe("pass");
  expect(judged(rare(0), 600).kind).toBe("inconclusive");
  expect(judged(rare(-900), 600).kind).toBe("pass");
});

test("users who come back after an hour make it pass", () => {
  const of = scene({ traffic: (host, second) => (host === "web-1" && second >= 0 && second < 3600 ? {} : { ok: 50 }) });
  expect(judged(of, 3600).kind).toBe("inconclusive");
  expect(judged(of, 4200).kind).toBe("pass");
});

test("the probes of a quiet binding have to be answered where they speak for its users, although no probe is required", () => {
  const quiet = { ...way, binding: "quiet.app.com" };
  const quietStrata = trafficStrata.map((one) => ({ ...one, ...quiet }));
  const strata = [...trafficStrata, probeStratum, ...quietStrata, { ...probeStratum, binding: quiet.binding }];
  const settings = { ...defaultHealthSettings, required: [{ indicator: "failed" as const }] };
  const answered = (binding: string) =>
    judged(
      scene({ strata, settings, probeOf: (one, second) => (second < 0 || one.binding === binding ? good : undefined) }),
      300,
    );
  expect(sentences(answered("app.com"))).toMatchInlineSnapshot(`
    [
      "quiet.app.com via edge on web-1 has no probes GET / since the change; needs 8 more good answers (about 1m 20s at the present rate)",
    ]
  `);
  expect(answered("quiet.app.com").kind).toBe("pass");
});

test("probes that are not required vouch for nobody without an answer, where all hosts have trouble", () => {
  const settings = { ...defaultHealthSettings, ruleOut: 0.1, required: [{ indicator: "failed" as const }] };
  const everywhere = ["web-1", "web-2", "web-3", "web-4"];
  const traffic = broken({ failed: 4, ok: 96 }, { ok: 100 }, everywhere);
  const well = judged(scene({ settings, traffic }), 900);
  expect(well.kind).toBe("pass");
  const unheard = judged(scene({ settings, traffic, probe: (_, second) => (second < 0 ? good : undefined) }), 900);
  expect(unheard).toMatchObject({ kind: "inconclusive", environmentUnhealthy: true });
});

test("five in a hundred errors more on one of three hosts halt within three minutes, although five good minutes are all its past", () => {
  const traffic = (host: string, second: number) =>
    host === "web-1" && second >= 0 ? { failed: 2 + ((second / 10) % 2), ok: 48 } : { ok: 50 };
  const of = scene({ others: 2, historyS: 300, traffic });
  expect(judged(of, 100).kind).toBe("inconclusive");
  const verdict = judged(of, 180);
  expect(verdict.kind).toBe("regressed");
  expect(sentences(verdict)[0]).toContain("45 of 909 requests failed");
});

test("errors that double on one host beside one other are not shared, since the other fails no more than before: they halt", () => {
  const traffic = (host: string, second: number) =>
    host === "web-1" && second >= 0 ? { failed: 10, ok: 90 } : { failed: 5, ok: 95 };
  const of = scene({ others: 1, traffic });
  const found = [60, 120, 180, 240, 300].map((second) => judged(of, second));
  expect(found.filter((verdict) => "environmentUnhealthy" in verdict)).toEqual([]);
  expect(found.at(-1)?.kind).toBe("regressed");
});

test("without another host, a failing tenth holds and a failing half halts", () => {
  const tenth = scene({ others: 0, traffic: broken({ failed: 5, ok: 45 }, { ok: 50 }) });
  expect(sentences(judged(tenth, 900))[0]).toContain("is suspect");
  const half = scene({ others: 0, traffic: broken({ failed: 25, ok: 25 }, { ok: 50 }) });
  const verdict = judged(half, 120);
  expect(verdict.kind).toBe("regressed");
  expect(sentences(verdict)[0]).toContain("Before/after only: a cause outside this host is not excluded");
});

test("a host whose own past looks like this every hour holds at most", () => {
  const hourly = (second: number) => (((second % 3600) + 3600) % 3600 < 600 ? { failed: 30, ok: 20 } : { ok: 50 });
  const of = scene({ others: 0, historyS: 86_400, traffic: (_, second) => hourly(second) });
  expect(judged(of, 300).kind).toBe("inconclusive");
});

test("a host that fails after it passed still halts the rollout", () => {
  const of = scene({ traffic: (host, second) => (host === "web-1" && second >= 1200 ? { failed: 50 } : { ok: 50 }) });
  const state = fedUntil(of, 1380);
  expect(judgeTests(state, { now: at(1380), hosts: [] }).kind).toBe("regressed");
});

test("a pass has to span a soak that is longer than the time to bake", () => {
  const state = fedUntil(scene(), 200);
  const verdict = judgeTests(state, { now: at(200), hosts: ["web-1"], soakMs: minutes(10) });
  expect(sentences(verdict)).toEqual(["web-1 bakes for 6m 50s more"]);
});

test("good answers that are no news are no pass", () => {
  const state = fedUntil(scene(), 200);
  const verdict = judgeTests(state, { now: at(260), hosts: ["web-1"] });
  expect(sentences(verdict)).toEqual(["app.com via edge on web-1 was last heard of 1m 10s ago"]);
});

test("strata that are ignored halt nothing", () => {
  const settings = { ...defaultHealthSettings, ignored: [{ indicator: "not-found" as const }] };
  const traffic = broken({ "not-found": 50 }, { ok: 50 });
  expect(judged(scene({ traffic }), 300).kind).toBe("regressed");
  expect(judged(scene({ traffic, settings }), 300).kind).toBe("pass");
});
