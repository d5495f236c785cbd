import { type PlanInput, planRollout, quietFacts, type Stage } from "@sluice/core";
import type { BrokenSubject } from "./broken-subjects.ts";
import { subject } from "./subject.ts";

const withInput = (name: string, gate: RegExp, broken: (input: PlanInput) => PlanInput): BrokenSubject => ({
  name,
  caughtAs: gate,
  subject: { ...subject, planRollout: (input) => planRollout(broken(input)) },
});

const withStages = (input: PlanInput, change: (stage: Stage) => Stage): PlanInput => ({
  ...input,
  rollout: { ...input.rollout, stages: input.rollout.stages.map(change) },
});

/** Gates that are left open on purpose, one at a time. */
export const brokenGates: readonly BrokenSubject[] = [
  withInput("starts waves while they are frozen", /^gate: .*freeze/, (input) => ({
    ...input,
    gates: { ...input.gates, freezes: [] },
  })),
  withInput(
    "starts waves while everything is halted",
    /^gate: .*halt-all/,
    ({ gates: { haltAll: _, ...gates }, ...input }) => ({
      ...input,
      gates,
    }),
  ),
  withInput("starts waves outside of their windows", /^gate: .*window: closed/, (input) =>
    withStages(input, (stage) => ({ ...stage, gates: { ...stage.gates, windows: [] } })),
  ),
  withInput("starts waves that cannot end before their window closes", /^gate: .*window: not long enough/, (input) =>
    withStages(input, (stage) => ({
      ...stage,
      gates: { ...stage.gates, windows: (stage.gates.windows ?? []).map((one) => ({ ...one, closes: 1439 })) },
    })),
  ),
  withInput("counts one person's approval twice", /^gate: .*approval/, (input) => {
    const { state } = input;
    if (state.phase !== "waiting-for-gates") return input;
    const people = state.approvals.filter(({ by }) => by !== "nobody");
    return { ...input, state: { ...state, approvals: people.flatMap((one) => [one, { ...one, by: "nobody" }]) } };
  }),
  withInput("takes an acknowledgement that has expired", /^gate: .*attended/, (input) => {
    const { state } = input;
    if (state.phase !== "waiting-for-gates" || state.attendance === undefined) return input;
    return { ...input, state: { ...state, attendance: { ...state.attendance, at: input.now } } };
  }),
  withInput("does not compare the kinds of bindings", /^gate: .*representativeness/, (input) => ({
    ...input,
    gates: { ...input.gates, unrepresented: [] },
  })),
  withInput("takes a subset for the environment", /^gate: .*coverage/, (input) =>
    withStages(input, ({ below: _, ...stage }) => stage),
  ),
  withInput("touches hosts that nobody hears of", /^gate: .*monitoring/, (input) => ({
    ...input,
    gates: { ...input.gates, unheard: quietFacts.unheard },
  })),
  withInput("takes the override of one wave for all of them", /^gate: /, (input) => ({
    ...input,
    rollout: { ...input.rollout, overrides: input.rollout.overrides.map(({ wave: _, ...one }) => one) },
  })),
];
