import { quietFacts } from "../gates/gate.ts";
import type { Verdict } from "../health/verdict.ts";
import type { GrantObservation, GrantProgress, HostObservation } from "../host/observation.ts";
import { type Instant, instant, minutes, seconds } from "../units/time.ts";
import { type HostView, type Plan, type PlanInput, planRollout } from "./plan-rollout.ts";
import type { HostChange, Rollout, RolloutState, Stage } from "./rollout.ts";
import { startRollout } from "./start-rollout.ts";

/** Builders for tests of rollouts: the healthy case unless told otherwise. */
export const at = (ms: number): Instant => instant(1_000_000 + ms);

export const pass: Verdict = { kind: "pass", reasons: ["everything answers"] };
export const inconclusive: Verdict = {
  kind: "inconclusive",
  missing: ["www.shop.example via edge on web-1 has no result"],
};
export const regressed: Verdict = {
  kind: "regressed",
  reasons: ["www.shop.example via edge on web-1: 3 failures in a row"],
};

export const change = (host: string): HostChange => ({ host, units: [{ unit: "site:shop", from: "v1", to: "v2" }] });

export function stage(environment: string, waves: readonly (readonly string[])[], more: Partial<Stage> = {}): Stage {
  return {
    environment,
    gates: { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5) },
    maxUnavailable: 1,
    waves: waves.map((hosts) => hosts.map(change)),
    ...more,
  };
}

export function rollout(more: Partial<Rollout> = {}): Rollout {
  return {
    id: "r-1",
    kind: "release",
    title: "shop 2.4.0",
    sites: ["shop"],
    by: "ada",
    createdAt: at(0),
    onRegression: "revert",
    stages: [stage("production", [["web-1"], ["web-2", "web-3"]])],
    overrides: [],
    ...more,
  };
}

/** A world around one rollout that a test moves by hand. */
export interface World {
  input: PlanInput;
  /** Plans once; the state moves on. */
  plan(): Plan;
  /** Plans until nothing changes any more. */
  settle(): Plan;
  /** Lets a host say how far its grant has come. */
  says(host: string, progress: GrantProgress): void;
  silence(host: string): void;
  pass(ms: number): void;
  readonly state: RolloutState;
  readonly actions: Plan["actions"];
}

export function world(of: Rollout = rollout(), verdict: Verdict = pass): World {
  const hosts = of.stages.flatMap(({ waves }) => waves.flat().map(({ host }) => host));
  const actions: Plan["actions"][number][] = [];
  return {
    input: {
      now: at(0),
      rollout: of,
      state: startRollout(of, at(0)),
      hosts: Object.fromEntries(hosts.map((host) => [host, healthy(host)])),
      verdict,
      others: { busyUnits: {}, unavailable: {} },
      gates: quietFacts,
    },
    get state() {
      return this.input.state;
    },
    actions,
    plan() {
      const plan = planRollout(this.input);
      actions.push(...plan.actions);
      this.input = { ...this.input, state: plan.next };
      return plan;
    },
    settle() {
      for (let rounds = 0; rounds < 50; rounds++) {
        const before = JSON.stringify(this.state);
        const plan = this.plan();
        if (JSON.stringify(plan.next) === before) return plan;
      }
      throw new Error("a rollout that is planned again and again has to come to rest");
    },
    says(host, progress) {
      const step = this.state.steps[host];
      const grant = step !== undefined && "grant" in step ? step.grant : "none";
      this.input = {
        ...this.input,
        hosts: { ...this.input.hosts, [host]: healthy(host, [{ grant, since: this.input.now, progress }]) },
      };
    },
    silence(host) {
      const view = this.input.hosts[host];
      this.input = { ...this.input, hosts: { ...this.input.hosts, [host]: { ...view, connected: false } } };
    },
    pass(ms) {
      this.input = { ...this.input, now: instant(this.input.now + ms) };
    },
  };
}

export const live: GrantProgress = { kind: "provisional", switchedAt: at(0), switchMs: 12 };
export const broken: GrantProgress = {
  kind: "failed",
  touchedTraffic: false,
  reason: "exited with code 1 on start",
  failure: "start",
};

export function healthy(host: string, grants: readonly GrantObservation[] = [], digest = "v2"): HostView {
  return { connected: true, upToDate: true, observation: observation(host, grants, digest) };
}

function observation(host: string, grants: readonly GrantObservation[], digest: string): HostObservation {
  const running = { digest, version: digest, build: digest, pid: 1, startedAt: at(0) };
  return {
    host,
    at: at(0),
    agent: { version: "0.1.0", startedAt: at(0) },
    maxFence: 1,
    generation: 1,
    intentDigest: "i",
    units: [{ unit: "site:shop", installed: ["v1", "v2"], running, proven: digest, reasons: [] }],
    grants,
    remarks: [],
  };
}
