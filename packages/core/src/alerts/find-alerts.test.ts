import { describe, expect, test } from "vitest";
import type { GateState } from "../gates/gate.ts";
import type { Verdict } from "../health/verdict.ts";
import {
  at,
  broken,
  inconclusive,
  live,
  regressed,
  rollout,
  stage,
  type World,
  world,
} from "../rollout/rollout-builders.ts";
import type { ToldHost } from "../timeline/host-events.ts";
import { instant, minutes } from "../units/time.ts";
import { type AlertName, severityOf } from "./alert.ts";
import type { AlertFacts, RolloutFacts } from "./alert-facts.ts";
import { findAlerts } from "./find-alerts.ts";

const hosts = ["web-1", "web-2", "web-3"];
const facts = (more: Partial<AlertFacts> = {}): AlertFacts => ({
  now: at(0),
  environmentOf: new Map(hosts.map((host) => [host, "production"])),
  rollouts: [],
  badReleases: {},
  hosts: new Map(),
  pending: [],
  restarts: [],
  channels: [],
  ...more,
});
const ill: Verdict = { kind: "inconclusive", missing: ["blog answers 500"], environmentUnhealthy: true };
const told = (more: Partial<ToldHost> = {}): ToldHost => ({ silent: false, remarks: [], units: {}, ...more });

const alertsOf = ({ input }: World, more: Partial<RolloutFacts & AlertFacts> = {}) =>
  findAlerts(
    facts({
      now: input.now,
      rollouts: [{ rollout: input.rollout, state: input.state, gates: [], isFollowed: false, ...more }],
      ...more,
    }),
  );
const namesOf = (it: World, more?: Partial<RolloutFacts & AlertFacts>): readonly AlertName[] =>
  alertsOf(it, more).map(({ name }) => name);

/** The canary is live and on trial. */
function observing(of = rollout(), verdict = inconclusive): World {
  const it = world(of, verdict);
  it.settle();
  it.says("web-1", live);
  it.settle();
  return it;
}

describe("a rollout", () => {
  test("that goes well, or that a person paused, is no alert", () => {
    const it = observing();
    expect(namesOf(it)).toEqual([]);
    const { input } = it;
    const resumeTo = input.state as never;
    const paused = {
      phase: "paused",
      by: "ada",
      reason: "lunch",
      resumeTo,
      steps: input.state.steps,
      since: at(0),
    } as const;
    expect(
      alertsOf(it, { rollouts: [{ rollout: input.rollout, state: paused, gates: [], isFollowed: false }] }),
    ).toEqual([]);
  });

  test("that is halted pages with its cause and every host's state, until a while after it is back", () => {
    const it = observing();
    it.input = { ...it.input, verdict: regressed };
    it.plan();
    const [halted] = alertsOf(it);
    expect(halted).toMatchObject({
      name: "SluiceRolloutHalted",
      labels: { rollout: "r-1", site: "shop", environment: "production" },
      sentence: expect.stringContaining("shop 2.4.0 (rollout r-1) is halted: www.shop.example via edge on web-1"),
    });
    expect(halted?.sentence).toContain("web-2, web-3: not touched yet");
    it.settle();
    expect(namesOf(it)).toEqual(["SluiceRolloutHalted"]);
    it.says("web-1", { kind: "withdrawn" });
    it.settle();
    expect(it.state.phase).toBe("reverted");
    expect(alertsOf(it)).toMatchObject([{ sentence: expect.stringContaining("was halted and went back by itself") }]);
    it.pass(minutes(5));
    expect(namesOf(it)).toEqual([]);
  });

  test("that is one-way pages with what a person may do", () => {
    const it = observing(rollout({ oneWay: "orders are split" }));
    it.input = { ...it.input, verdict: regressed };
    it.settle();
    expect(alertsOf(it)).toMatchObject([
      {
        name: "SluiceNoWayBack",
        sentence: expect.stringContaining("is not taken back, because it is one-way (orders are split)"),
      },
    ]);
  });

  test("that is held by its fleet file pages", () => {
    const it = observing(rollout({ onRegression: "hold" }));
    it.input = { ...it.input, verdict: regressed };
    it.settle();
    expect(namesOf(it)).toEqual(["SluiceRolloutHeld"]);
  });

  test("that cannot go back pages with the state of every host", () => {
    const it = observing();
    it.input = { ...it.input, verdict: regressed };
    it.settle();
    it.says("web-1", { kind: "preparing", doing: "start" });
    const { state } = it.input;
    const steps = { ...state.steps, "web-1": { kind: "revert-failed", at: at(0), reason: "disk full" } } as const;
    const cause = { kind: "regressed", sentence: "it fails", evidence: [], at: at(0) } as const;
    const held = { phase: "held", cause, steps, since: at(0) } as const;
    const [alert] = alertsOf(it, {
      rollouts: [{ rollout: it.input.rollout, state: held, gates: [], isFollowed: false }],
    });
    expect(alert?.name).toBe("SluiceRevertFailed");
    expect(alert?.sentence).toContain("now web-1: cannot go back: disk full; web-2, web-3: not touched yet");
  });

  test("that everything is too ill for pages, and says that nothing was reverted", () => {
    const it = observing(rollout(), ill);
    expect(alertsOf(it)).toMatchObject([
      {
        name: "SluiceRolloutPausedByHealth",
        sentence: expect.stringContaining("paused, nothing was reverted: hosts that were not changed fail as well"),
      },
    ]);
  });

  test("that waits for a person is a notice, and one that waits for a time is none", () => {
    const it = world(rollout({ stages: [stage("production", [hosts])] }));
    const gate = (more: Partial<GateState>): GateState => ({
      ...{ gate: "approval", environment: "production", state: "closed", sentence: "waiting for approver", hosts: [] },
      ...more,
    });
    const window = gate({ gate: "window", sentence: "opens on Monday", opensAt: at(99) });
    expect(alertsOf(it, { gates: [window, gate({})] })).toMatchObject([
      {
        name: "SluiceGateWaiting",
        sentence: "shop 2.4.0 (rollout r-1) waits before production: waiting for approver (closed as well: window)",
      },
    ]);
    expect(namesOf(it, { gates: [window] })).toEqual([]);
    expect(namesOf(it, { gates: [gate({ state: "overridden" })] })).toEqual([]);
  });

  test("that is stopped before any user met it is a notice for a day, or until another one follows", () => {
    const it = world();
    it.settle();
    it.says("web-1", broken);
    it.settle();
    expect(it.state.phase).toBe("reverted");
    expect(alertsOf(it)).toMatchObject([
      { name: "SluiceRolloutRefused", sentence: expect.stringContaining("was stopped before any user met it") },
    ]);
    expect(alertsOf(it).map(severityOf)).toEqual(["notice"]);
    expect(namesOf(it, { isFollowed: true })).toEqual([]);
    it.pass(minutes(24 * 60));
    expect(namesOf(it)).toEqual([]);
  });
});

describe("a host", () => {
  const on = (one: ToldHost) => findAlerts(facts({ hosts: new Map([["web-1", one]]) }));

  test("that is silent says nothing else, for its last word may be old", () => {
    const units = { "site:shop": { condition: "down" } } as const;
    expect(on(told({ silent: true, units })).map(({ name }) => name)).toEqual(["SluiceHostSilent"]);
  });

  test("that left the fleet concerns nobody", () => {
    expect(findAlerts(facts({ hosts: new Map([["gone", told({ silent: true })]]) }))).toEqual([]);
  });

  test("has an alert for each unit that is down or runs what nobody granted, and for each unit that was edited", () => {
    const drift = { kind: "release-edited", about: "site:shop", since: at(5), isOver: false } as const;
    const alerts = on(
      told({
        units: {
          "site:shop": { condition: "drifted" },
          front: { condition: "down" },
          "proxy:shop": { condition: "running" },
        },
        drifts: [
          { ...drift, where: "a.js" },
          { ...drift, where: "b.js", since: at(1) },
          { ...drift, where: "c.js", isOver: true },
        ],
      }),
    );
    expect(alerts).toMatchObject([
      {
        name: "SluiceUnitDrifted",
        labels: { host: "web-1", unit: "site:shop", site: "shop", environment: "production" },
      },
      { name: "SluiceUnitDown", labels: { unit: "front" }, sentence: "front does not run on web-1" },
      {
        name: "SluiceDrift",
        since: at(1),
        sentence:
          "site shop was changed by hand on web-1: release edited (a.js), release edited (b.js); sluice status --host web-1",
      },
    ]);
    expect(alerts[1]?.labels).not.toHaveProperty("site");
  });

  test("whose unit was started again three times in ten minutes pages; twice, or long ago, does not", () => {
    const now = instant(at(0) + minutes(30));
    const restart = (minute: number) => ({ host: "web-1", unit: "site:shop", at: instant(at(0) + minutes(minute)) });
    const looping = (...times: readonly number[]) => findAlerts(facts({ now, restarts: times.map(restart) }));
    expect(looping(21, 25, 29)).toMatchObject([
      { name: "SluiceUnitCrashLooping", sentence: "site shop was started again 3 times on web-1 within 10m" },
    ]);
    expect(looping(25, 29)).toEqual([]);
    expect(looping(19, 25, 29)).toEqual([]);
  });

  test("with an activation that is pending for too long is told of with its age and limit", () => {
    const now = instant(at(0) + minutes(90));
    const pending = [{ host: "web-1", unit: "site:shop", since: at(0), limitMs: minutes(60) }];
    const [alert] = findAlerts(facts({ now, pending }));
    expect(alert?.sentence).toContain("site shop is pending activation on web-1 for longer than 1h");
  });
});

test("a standstill, blindness, a deaf channel and a test page are alerts of the coordinator itself", () => {
  const channel = { channel: "phone", since: at(0), sentence: "answered 500" };
  const alerts = findAlerts(
    facts({
      standstill: "the disk is full",
      blind: "9 of 10 are silent",
      channels: [
        { ...channel, failures: 3 },
        { ...channel, channel: "chat", failures: 2 },
      ],
      test: { by: "ada", at: at(0) },
    }),
  );
  expect(alerts.map(({ name, labels }) => [name, labels])).toEqual([
    ["SluiceCoordinatorStandstill", {}],
    ["SluiceCoordinatorBlind", {}],
    ["SluiceChannelFailing", { channel: "phone" }],
    ["SluiceTestPage", {}],
  ]);
});

test("certificates near their end are told together, and page when only days are left", () => {
  const certificate = (name: string, expiry: "far" | "near" | "at-hand" | "expired") =>
    ({ name, units: ["front"], running: name, validUntil: instant(0), expiry }) as const;
  const found = (...expiries: readonly ("far" | "near" | "at-hand" | "expired")[]) => {
    const certificates = expiries.map((expiry, index) => certificate(`c${index}`, expiry));
    const hosts = new Map([["web-1", told({ certificates })]]);
    return findAlerts(facts({ hosts })).map(({ name, sentence }) => `${name} ${sentence.split(":")[0]}`);
  };
  expect(found("far")).toEqual([]);
  expect(found("near", "near", "expired", "at-hand")).toEqual([
    "SluiceCertificateExpiring web-1 presents certificate c0 until 1970-01-01, c1 until 1970-01-01",
    "SluiceCertificateEnds web-1 presents certificate c2 until 1970-01-01, c3 until 1970-01-01",
  ]);
});
