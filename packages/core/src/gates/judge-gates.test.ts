import { describe, expect, test } from "vitest";
import { applyVerb } from "../rollout/apply-verb.ts";
import { overrideGate } from "../rollout/override-gate.ts";
import type { Rollout, Stage } from "../rollout/rollout.ts";
import { at, healthy, live, regressed, rollout, stage, type World, world } from "../rollout/rollout-builders.ts";
import { type DurationMs, instant, minutes, seconds } from "../units/time.ts";
import { findUncovered } from "./coverage.ts";
import type { Freeze } from "./freeze.ts";
import type { GateFacts, GateName } from "./gate.ts";
import type { TimeWindow } from "./time-window.ts";

const soaking = { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5) };
const hour: DurationMs = minutes(60);

/** Two environments, of which the upper one has these gates. */
function gated(gates: Partial<Stage["gates"]>, more: Partial<Stage> = {}): World {
  const production = stage("production", [["web-1"], ["web-2"]], { gates: { ...soaking, ...gates }, ...more });
  return world(rollout({ stages: [production] }));
}

const facts = (it: World, more: Partial<GateFacts>): void => {
  it.input = { ...it.input, gates: { ...it.input.gates, ...more } };
};

function waitsFor(it: World): readonly string[] {
  const plan = it.settle();
  expect(plan.next.phase).toBe("waiting-for-gates");
  return plan.waitingOn.map(({ kind, sentence }) => `${kind}: ${sentence}`);
}

function override(it: World, gate: GateName, reason?: string): string | undefined {
  const outcome = overrideGate(it.input, gate, {
    by: "eve",
    now: it.input.now,
    ...(reason === undefined ? {} : { reason }),
  });
  if ("refusal" in outcome) return outcome.refusal.sentence;
  it.input = { ...it.input, rollout: outcome.rollout };
  return undefined;
}

function tell(it: World, verb: "approve" | "ack", by: string, role?: string): string | undefined {
  const outcome = applyVerb(it.input, verb, { by, now: it.input.now, ...(role === undefined ? {} : { role }) });
  if ("refusal" in outcome) return outcome.refusal.sentence;
  it.input = { ...it.input, state: outcome.state };
  return undefined;
}

/** Takes the first wave to its end. */
function passFirstWave(it: World): void {
  it.settle();
  it.says("web-1", live);
  it.settle();
  it.pass(30_000);
}

const freeze = (more: Partial<Freeze> = {}): Freeze => ({
  name: "audit",
  when: { kind: "once", from: at(0), to: at(hour), zone: "UTC" },
  reason: "the auditors are in",
  owner: "eve",
  environments: [],
  sites: [],
  ...more,
});

/** Open from twenty minutes after the start of the test's time for so long; on no other day. */
function windowOf(minutesLong: number): readonly TimeWindow[] {
  const opens = 36;
  return [{ days: ["thu"], opens, closes: opens + minutesLong, zone: "UTC" }];
}

describe("window", () => {
  // The tests' time begins on Thursday 1970-01-01 at 00:16:40; a wave may take 10m + 30s + 5m, and 10m + 5m to go back.
  test("a wave waits until the window opens, and says when that is", () => {
    const it = gated({ windows: windowOf(60) });
    expect(waitsFor(it)).toEqual([
      "window: production is changed thu 00:36-01:36 UTC; may start Thu 1970-01-01 00:36 UTC",
    ]);
    expect(it.plan().waitingOn[0]?.until).toBe(minutes(36));
    it.input = { ...it.input, now: instant(minutes(36)) };
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("a wave that may not finish or go back before the window closes does not start", () => {
    const it = gated({ windows: windowOf(60) });
    it.input = { ...it.input, now: instant(minutes(96) - (minutes(30) + seconds(29))) };
    expect(waitsFor(it)).toEqual([
      "window: the wave may take 30m 30s to finish or go back, the window closes in 30m 29s; may start Thu 1970-01-08 00:36 UTC",
    ]);
    it.input = { ...it.input, now: instant(minutes(96) - (minutes(30) + seconds(30))) };
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("waiting for a window that opens by itself is no standstill, also beyond the deadline of the gates", () => {
    const it = gated({ windows: windowOf(60) });
    it.input = {
      ...it.input,
      now: instant(minutes(96)),
      state: { ...it.state, deadline: instant(minutes(97)) } as never,
    };
    it.pass(hour);
    expect(waitsFor(it)[0]).toContain("may start Thu 1970-01-08");
  });

  test("windows that are never long enough are waited for only until the deadline", () => {
    const it = gated({ windows: windowOf(10) });
    expect(waitsFor(it)[0]).toBe(
      "window: no window of production (thu 00:36-00:46 UTC) is long enough: the wave may take 30m 30s to finish or go back, the longest is 10m",
    );
    it.pass(minutes(8 * 24 * 60));
    it.plan();
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "deadline" } });
  });

  test("a wave that runs goes on when the window closes, and the next one waits", () => {
    const it = gated({ windows: windowOf(40) });
    it.input = { ...it.input, now: instant(minutes(40)) };
    passFirstWave(it);
    it.input = { ...it.input, now: instant(minutes(77)) };
    expect(waitsFor(it)[0]).toContain("window: production is changed");
    expect(it.state).toMatchObject({ at: { wave: 1 }, steps: { "web-1": { kind: "passed" } } });
  });

  test("a regression goes back although the window has closed", () => {
    const it = gated({ windows: windowOf(40) });
    it.input = { ...it.input, now: instant(minutes(40)) };
    it.settle();
    it.says("web-1", live);
    it.settle();
    it.input = { ...it.input, now: instant(minutes(77)), verdict: regressed };
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("withdrawing");
  });
});

describe("freeze", () => {
  test("no wave starts while a freeze of its environment and sites is in force; its end is told", () => {
    const it = gated({});
    facts(it, { freezes: [freeze()] });
    expect(waitsFor(it)).toEqual(["freeze: production is frozen by 'audit' (eve): the auditors are in"]);
    expect(it.plan().waitingOn[0]?.until).toBe(at(hour));
    it.pass(hour);
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test.each([
    ["another environment", { environments: ["acceptance"] }],
    ["another site", { sites: ["blog"] }],
    ["another time", { when: { kind: "once", from: at(hour), to: at(2 * hour), zone: "UTC" } }],
  ] as const)("a freeze of %s is none", (_, more) => {
    const it = gated({});
    facts(it, { freezes: [freeze(more)] });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("a freeze that begins while a wave runs takes effect at the next one", () => {
    const it = gated({});
    it.settle();
    facts(it, { freezes: [freeze()] });
    passFirstWave(it);
    expect(waitsFor(it)[0]).toContain("freeze: ");
    expect(it.state).toMatchObject({ at: { wave: 1 } });
  });

  test("the freeze that lasts longest is the one that is told", () => {
    const it = gated({});
    const long = freeze({ name: "summer", when: { kind: "once", from: at(0), to: at(3 * hour), zone: "UTC" } });
    facts(it, { freezes: [freeze(), long] });
    expect(waitsFor(it)[0]).toContain("frozen by 'summer'");
  });
});

describe("approval", () => {
  const two = { approval: [{ role: "release-manager", count: 2 }] };

  test("a role that asks for two people is not satisfied by one who approves twice", () => {
    const it = gated(two);
    expect(waitsFor(it)).toEqual(["approval: production needs the approval of 2 different people as release-manager"]);
    tell(it, "approve", "ada", "release-manager");
    expect(tell(it, "approve", "ada", "release-manager")).toContain("takes another person");
    expect(waitsFor(it)).toEqual([
      "approval: production needs the approval of 1 different people as release-manager besides ada",
    ]);
    tell(it, "approve", "bob", "release-manager");
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("only the first wave of an environment is approved", () => {
    const it = gated(two);
    for (const by of ["ada", "bob"]) tell(it, "approve", by, "release-manager");
    passFirstWave(it);
    it.settle();
    expect(it.state).toMatchObject({ phase: "activating", at: { wave: 1 } });
  });
});

describe("attended", () => {
  const attended = { attendedWithinMs: minutes(30) };

  test("a wave starts only shortly after somebody on call acknowledged it", () => {
    const it = gated(attended);
    expect(waitsFor(it)[0]).toBe(
      "attended: production is attended; somebody on call has to acknowledge it within 30m before it starts: sluice ack r-1",
    );
    facts(it, { freezes: [freeze()] });
    tell(it, "ack", "ada");
    it.pass(hour);
    expect(waitsFor(it)[0]).toContain("attended: the acknowledgement of ada has expired");
    tell(it, "ack", "bob");
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("nobody acknowledges where nobody is asked for", () => {
    const it = gated({});
    facts(it, { freezes: [freeze()] });
    expect(tell(it, "ack", "ada")).toContain("asks for nobody's attendance");
  });
});

describe("representativeness", () => {
  const sentence = "production has 1 public binding of shop over TLS with an edge, acceptance has 0 public bindings";
  const unrepresented = [{ environment: "production", site: "shop", sentence }];

  test("kinds of bindings that nothing below has close the gate until the file is mended", () => {
    const it = gated({ representativeness: true });
    facts(it, { unrepresented });
    expect(waitsFor(it)).toEqual([`representativeness: ${sentence}`]);
    facts(it, { unrepresented: [] });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("what another site lacks, or another environment, closes nothing here", () => {
    const it = gated({ representativeness: true });
    facts(it, { unrepresented: [{ environment: "production", site: "blog", sentence }] });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });
});

describe("coverage", () => {
  const target = (host: string) => ({ host, units: [{ unit: "site:shop" as const, to: "v2" }] });
  const below = { environment: "acceptance", hosts: [target("at-1"), target("at-2")] };

  /** Only `at-1` is part of the rollout; `at-2` may have had the release before. */
  function subset(kind: Rollout["kind"], provenOnAt2: string): World {
    const upper = stage("production", [["web-1"]], { gates: { ...soaking, coverage: true }, below });
    const it = world(rollout({ kind, stages: [stage("acceptance", [["at-1"]]), upper] }));
    it.input = {
      ...it.input,
      proven: { "at-1/site:shop": "v1", "at-2/site:shop": provenOnAt2, "web-1/site:shop": "v1" },
      hosts: { ...it.input.hosts, "at-2": healthy("at-2") },
    };
    it.settle();
    it.says("at-1", live);
    it.settle();
    it.pass(30_000);
    return it;
  }

  test("a host that was left out of the environment below, and has something else, is not covered", () => {
    expect(waitsFor(subset("release", "v1"))).toEqual([
      "coverage: 1 of 2 hosts of acceptance are not covered: at-2 has not proven the same site:shop",
    ]);
  });

  test("a host that had the very same releases proven before is covered", () => {
    const it = subset("release", "v2");
    it.settle();
    expect(it.state).toMatchObject({ phase: "activating", at: { stage: 1 } });
  });

  test("a host that is silent does not count, whatever it had proven", () => {
    const it = subset("release", "v2");
    it.silence("at-2");
    expect(waitsFor(it)[0]).toContain("1 of 2 hosts of acceptance are not covered: at-2 is silent");
  });

  test("a host that is on trial in this very rollout is not covered yet", () => {
    const it = subset("release", "v2");
    const grant = {
      kind: "provisional",
      grant: "g",
      since: it.input.now,
      confirmBy: it.input.now,
      switchMs: 1,
    } as const;
    const state = { ...it.state, steps: { ...it.state.steps, "at-1": grant } };
    expect(findUncovered({ ...it.input, state }, below)).toEqual([
      { host: "at-1", why: "has not passed in this rollout" },
    ]);
  });

  test("a restart of a subset covers nothing", () => {
    expect(waitsFor(subset("restart", "v2"))[0]).toContain("at-2 was left out of this rollout");
  });
});

describe("monitoring", () => {
  const unheard = [{ host: "web-1", sentence: "www.shop.example via edge on web-1 was last heard of 5m ago" }];

  test("hosts of the wave whose probes don't report are not touched", () => {
    const it = gated({ monitoring: true });
    facts(it, { unheard });
    expect(waitsFor(it)).toEqual(["monitoring: www.shop.example via edge on web-1 was last heard of 5m ago"]);
    expect(it.plan().waitingOn[0]?.hosts).toEqual(["web-1"]);
  });

  test("other hosts' silence is for their own wave to say", () => {
    const it = gated({ monitoring: true });
    facts(it, { unheard: [{ host: "web-2", sentence: "web-2 is not heard of" }] });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });

  test("alerts that are muted by nobody in particular close it, until they are heard again", () => {
    const it = gated({ monitoring: true });
    const mute = { name: "patching", owner: "", reason: "noise", by: "eve", from: at(0), to: at(hour), sites: [] };
    facts(it, { mutes: [mute] });
    expect(waitsFor(it)).toEqual(["monitoring: alerts are muted by 'patching', which has no owner"]);
    facts(it, { mutes: [{ ...mute, owner: "operations" }] });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });
});

describe("halt of everything", () => {
  test("nothing starts until it is lifted, however long that takes", () => {
    const it = gated({});
    facts(it, { haltAll: { by: "eve", reason: "smoke in the hall", at: at(0) } });
    it.pass(minutes(8 * 24 * 60));
    expect(waitsFor(it)).toEqual([
      "halt-all: everything was halted by eve: smoke in the hall; lift it: sluice halt --clear",
    ]);
  });
});

describe("overrides", () => {
  test("a gate is opened with a reason, which stays on the rollout", () => {
    const it = gated({});
    facts(it, { freezes: [freeze()] });
    it.settle();
    expect(override(it, "freeze")).toContain("without a reason");
    expect(override(it, "freeze", "the shop is down")).toBeUndefined();
    const { gates } = it.plan();
    expect(gates).toContainEqual(
      expect.objectContaining({
        gate: "freeze",
        state: "overridden",
        sentence: "production is frozen by 'audit' (eve): the auditors are in; overridden by eve: the shop is down",
      }),
    );
    expect(it.state.phase).toBe("activating");
    expect(it.input.rollout.overrides).toMatchObject([{ check: "freeze", by: "eve", wave: 0 }]);
  });

  test("an override of a freeze holds for the wave that waits and for no later one", () => {
    const it = gated({});
    facts(it, { freezes: [freeze()] });
    override(it, "freeze", "the shop is down");
    passFirstWave(it);
    expect(waitsFor(it)[0]).toContain("freeze: ");
  });

  test("one gate's override opens no other", () => {
    const it = gated({ attendedWithinMs: minutes(30) });
    facts(it, { freezes: [freeze()] });
    override(it, "freeze", "the shop is down");
    expect(waitsFor(it)).toEqual([expect.stringContaining("attended: ")]);
  });

  test("the soak is cut short, never against a regression", () => {
    const it = gated({});
    it.settle();
    it.says("web-1", live);
    it.settle();
    expect(override(it, "window", "why not")).toContain("while observing");
    expect(override(it, "soak", "seen enough")).toBeUndefined();
    it.input = { ...it.input, verdict: regressed };
    expect(override(it, "evidence", "it is fine")).toContain("3 failures in a row");
  });

  test("a rollout that goes back has no gates", () => {
    const shut = { windows: windowOf(10), attendedWithinMs: minutes(5), approval: [{ role: "dba", count: 1 }] };
    const production = stage("production", [["web-1"]], { gates: { ...soaking, ...shut } });
    const it = world(rollout({ kind: "revert", stages: [production] }));
    facts(it, { freezes: [freeze()], haltAll: { by: "eve", reason: "smoke", at: at(0) } });
    it.settle();
    expect(it.state.phase).toBe("activating");
  });
});
