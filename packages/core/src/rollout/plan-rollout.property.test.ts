import fc from "fast-check";
import { expect, test } from "vitest";
import { type GateFacts, quietFacts } from "../gates/gate.ts";
import type { GrantProgress } from "../host/observation.ts";
import { instant } from "../units/time.ts";
import { applyVerb } from "./apply-verb.ts";
import { type HostView, type PlanInput, planRollout } from "./plan-rollout.ts";
import type { OperatorVerb, RolloutState, StepState } from "./rollout.ts";
import { at, healthy, inconclusive, pass, regressed, rollout, stage } from "./rollout-builders.ts";
import { startRollout } from "./start-rollout.ts";

const hosts = ["at-1", "web-1", "web-2", "web-3", "web-4"] as const;
const grantWord: fc.Arbitrary<GrantProgress> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<GrantProgress>({ kind: "provisional", switchedAt: at(0), switchMs: 1 }) },
  { weight: 3, arbitrary: fc.constant<GrantProgress>({ kind: "preparing", doing: "starts" }) },
  fc.constant<GrantProgress>({ kind: "failed", touchedTraffic: true, reason: "broke", failure: "ready" }),
  fc.constantFrom<GrantProgress>({ kind: "unconfirmed" }, { kind: "withdrawn" }),
);

const haltAll = { by: "eve", reason: "smoke", at: at(0) };
const frozen: GateFacts = {
  ...quietFacts,
  freezes: [
    {
      name: "audit",
      when: { kind: "once", from: at(0), to: at(9e9), zone: "UTC" },
      reason: "the auditors are in",
      owner: "eve",
      environments: [],
      sites: [],
    },
  ],
};

/** One moment: what one host says, whether it is there, the verdict, what others do, and maybe an operator. */
const moment = fc.record({
  host: fc.constantFrom(...hosts),
  word: fc.option(grantWord, { nil: undefined }),
  connected: fc.boolean(),
  upToDate: fc.boolean(),
  digest: fc.constantFrom("v1", "v2"),
  afterMs: fc.constantFrom(0, 1000, 20_000, 120_000, 900_000),
  verdict: fc.constantFrom(pass, pass, inconclusive, regressed),
  elsewhere: fc.subarray(["web-1", "other-1"]),
  gates: fc.constantFrom<GateFacts>(quietFacts, quietFacts, frozen, { ...quietFacts, haltAll }),
  verb: fc.option(fc.constantFrom<OperatorVerb>("approve", "ack", "promote", "pause", "resume", "abort", "revert"), {
    nil: undefined,
    freq: 8,
  }),
});
type Moment = typeof moment extends fc.Arbitrary<infer T> ? T : never;

const shape = fc.record({
  maxUnavailable: fc.integer({ min: 1, max: 3 }),
  onRegression: fc.constantFrom("revert" as const, "hold" as const),
});

interface Seen {
  readonly before: PlanInput;
  readonly after: RolloutState;
  readonly provisional: ReadonlySet<string>;
  readonly plan: ReturnType<typeof planRollout>;
}

/** Plays the moments and shows each plan with everything that led to it. */
function play(
  given: { maxUnavailable: number; onRegression: "revert" | "hold" },
  moments: readonly Moment[],
): readonly Seen[] {
  const { maxUnavailable, onRegression } = given;
  const stages = [
    stage("acceptance", [["at-1"]], { maxUnavailable }),
    stage("production", [["web-1"], ["web-2", "web-3", "web-4"]], { maxUnavailable }),
  ];
  const of = rollout({ stages, onRegression });
  const provisional = new Set<string>();
  const seen: Seen[] = [];
  let state = startRollout(of, at(0));
  let now = at(0);
  let views: Record<string, HostView> = Object.fromEntries(hosts.map((host) => [host, healthy(host)]));
  for (const one of moments) {
    now = instant(now + one.afterMs);
    const step = state.steps[one.host];
    const grant = step !== undefined && "grant" in step ? step.grant : "none";
    const grants = one.word === undefined ? [] : [{ grant, since: now, progress: one.word }];
    if (one.word?.kind === "provisional") provisional.add(grant);
    views = {
      ...views,
      [one.host]: { ...healthy(one.host, grants, one.digest), connected: one.connected, upToDate: one.upToDate },
    };
    const others = { busyUnits: {}, unavailable: { "shop/production": one.elsewhere } };
    const input: PlanInput = { now, rollout: of, state, hosts: views, verdict: one.verdict, others, gates: one.gates };
    if (one.verb !== undefined) {
      const outcome = applyVerb(input, one.verb, { by: "ada", reason: "because", now });
      if ("state" in outcome) state = outcome.state;
    }
    for (let round = 0; round < 4; round++) {
      const before = { ...input, state };
      const plan = planRollout(before);
      seen.push({ before, after: plan.next, provisional: new Set(provisional), plan });
      state = plan.next;
    }
  }
  return seen;
}

function everyPlan(check: (seen: Seen, given: { maxUnavailable: number }) => void): void {
  fc.assert(
    fc.property(shape, fc.array(moment, { maxLength: 60 }), (given, moments) => {
      for (const seen of play(given, moments)) check(seen, given);
    }),
    { numRuns: 400 },
  );
}

const kinds = (state: RolloutState): readonly StepState["kind"][] => Object.values(state.steps).map(({ kind }) => kind);

test("nothing passes without its host's word that it is live, and a pass or an operator's promotion", () => {
  everyPlan(({ before, plan, provisional }) => {
    const { state } = before;
    const passing = plan.actions.filter((action) => action.kind === "record-proven");
    if (state.phase !== "observing" || passing.length === 0) return;
    expect(
      before.verdict.kind === "pass" || (state.promoted !== undefined && before.verdict.kind !== "regressed"),
    ).toBe(true);
    for (const action of passing) expect(provisional).toContain(`r-1/${action.host}/activate`);
  });
});

test("proven releases change only by a pass, and back only by a host's own word about its revert", () => {
  everyPlan(({ before, plan, provisional }) => {
    for (const action of plan.actions) {
      if (action.kind !== "record-proven") continue;
      if (action.units.every(({ digest }) => digest === "v2")) expect(before.state.phase).toBe("observing");
      else expect(provisional).toContain(`r-1/${action.host}/revert`);
    }
  });
});

test("a grant forwards never exceeds maxUnavailable, other rollouts' hosts included, and only connected hosts get one", () => {
  everyPlan(({ before, after }, { maxUnavailable }) => {
    for (const [host, step] of Object.entries(after.steps)) {
      if (step.kind !== "activating" || before.state.steps[host]?.kind !== "pending") continue;
      expect(before.hosts[host]?.connected).toBe(true);
      const own = Object.keys(after.steps).filter(
        (name) => name.startsWith(host.slice(0, 2)) && after.steps[name]?.kind === "activating",
      );
      const elsewhere = host.startsWith("web") ? (before.others.unavailable["shop/production"] ?? []) : [];
      expect(new Set([...own, ...elsewhere]).size).toBeLessThanOrEqual(maxUnavailable);
    }
  });
});

test("reverts stay under their own cap", () => {
  everyPlan(({ after }, { maxUnavailable }) => {
    const going = Object.keys(after.steps).filter(
      (host) => host.startsWith("web") && after.steps[host]?.kind === "reverting",
    );
    expect(going.length).toBeLessThanOrEqual(maxUnavailable * 2);
  });
});

test("whatever does not advance has a reason in words, and every wait a deadline or an operator", () => {
  everyPlan(({ before, after, plan }) => {
    if (JSON.stringify(before.state) !== JSON.stringify(after) || ["completed", "reverted"].includes(after.phase))
      return;
    if (after.phase === "aborted") {
      expect(plan.waitingOn.length > 0).toBe(kinds(after).includes("withdrawing"));
      return;
    }
    expect(plan.waitingOn.length).toBeGreaterThan(0);
    for (const { sentence } of plan.waitingOn) expect(sentence.length).toBeGreaterThan(5);
    expect("deadline" in after || plan.waitingOn.some(({ kind }) => kind === "operator")).toBe(true);
  });
});

test("silence takes back nothing that passed", () => {
  everyPlan(({ before, after }) => {
    const taken = Object.keys(after.steps).some(
      (host) => before.state.steps[host]?.kind === "passed" && after.steps[host]?.kind === "reverting",
    );
    if (taken) expect(after.phase === "reverting" && after.cause.kind).not.toBe("deadline");
  });
});

test("planning is a function: the same input gives the same plan", () => {
  everyPlan(({ before, plan }) => expect(planRollout(before)).toEqual(plan));
});

test("an ended rollout holds no grant", () => {
  everyPlan(({ after }) => {
    if (after.phase !== "completed" && after.phase !== "reverted") return;
    for (const kind of kinds(after)) expect(["passed", "failed", "reverted", "pending"]).toContain(kind);
  });
});

test("a gate that is closed keeps waves from starting, and nothing from halting or going back", () => {
  fc.assert(
    fc.property(shape, fc.array(moment, { maxLength: 60 }), (given, moments) => {
      for (const { before, after, plan } of play(given, moments)) {
        const isShut = before.gates !== quietFacts;
        const starts = before.state.phase === "waiting-for-gates" && after.phase === "activating";
        if (starts) expect(isShut).toBe(false);
        if (!["waiting-for-gates"].includes(before.state.phase)) {
          expect(planRollout({ ...before, gates: quietFacts })).toEqual(plan);
        }
      }
    }),
  );
});
