import { type FedEvidence, type Plan, planRollout, type StepState, type Verdict } from "@sluice/core";
import { brokenActivations } from "./broken-activations.ts";
import { brokenCertificates } from "./broken-certificates.ts";
import { brokenGates } from "./broken-gates.ts";
import { brokenKeepers } from "./broken-keepers.ts";
import { brokenPrograms } from "./broken-programs.ts";
import { brokenTurns } from "./broken-turns.ts";
import { type Subject, subject } from "./subject.ts";

/** A fault put into the decisions on purpose, and the promise that has to notice it. */
export interface BrokenSubject {
  readonly name: string;
  /** What the broken promise is called in {@link Promises}. */
  readonly caughtAs: RegExp;
  readonly subject: Subject;
}

const pass: Verdict = { kind: "pass", reasons: ["broken on purpose"] };

/** The simulation is worth something only while it catches each of these (style §1, rule 18). */
export const brokenSubjects: readonly BrokenSubject[] = [
  {
    name: "passes a wave without evidence",
    caughtAs: /^7:/,
    subject: {
      ...subject,
      judgeTests: (state, question) => {
        const verdict = subject.judgeTests(state, question);
        return verdict.kind === "inconclusive" ? pass : verdict;
      },
    },
  },
  {
    name: "passes a wave that regressed",
    caughtAs: /^7:/,
    subject: {
      ...subject,
      judgeTests: (state, question) => {
        const verdict = subject.judgeTests(state, question);
        return verdict.kind === "regressed" ? pass : verdict;
      },
    },
  },
  {
    name: "counts an unknown result as good",
    caughtAs: /^7:/,
    subject: { ...subject, feedEvidence: (state, fed) => subject.feedEvidence(state, unknownAsGood(fed)) },
  },
  {
    name: "confirms before the host reported that it is live",
    caughtAs: /^(7|maxUnavailable|withdrawal):/,
    subject: { ...subject, planRollout: (input) => planRollout(withEveryStepLive(input)), judgeTests: () => pass },
  },
  {
    name: "obeys stale intents",
    caughtAs: /^11:/,
    subject: { ...subject, judgeIntent: () => ({ kind: "apply" }) },
  },
  {
    name: "leads from an old backup",
    caughtAs: /^11:/,
    subject: { ...subject, judgeLead: () => ({ kind: "lead" }) },
  },
  {
    name: "takes back what is one-way",
    caughtAs: /^way-back:/,
    subject: {
      ...subject,
      planRollout: (input) => {
        const { oneWay: _, ...revertible } = input.rollout;
        return planRollout({ ...input, rollout: revertible });
      },
    },
  },
  {
    name: "skips hosts that hold a grant",
    caughtAs: /^lost:/,
    subject: { ...subject, planRollout: (input) => withSilentSkipped(input, planRollout(input)) },
  },
  {
    name: "does not keep what passed as proven",
    caughtAs: /^2:/,
    subject: {
      ...subject,
      planRollout: (input) => {
        const plan = planRollout(input);
        const kept = plan.actions.filter(({ kind }) => kind !== "record-proven" || plan.next.phase === "reverting");
        return { ...plan, actions: kept };
      },
    },
  },
  {
    name: "forgets maxUnavailable",
    caughtAs: /^maxUnavailable:/,
    subject: { ...subject, planRollout: (input) => planRollout(withoutCap(input)) },
  },
  {
    name: "does not look at what other rollouts hold",
    caughtAs: /^(one rollout a unit|maxUnavailable):/,
    subject: {
      ...subject,
      planRollout: (input) => planRollout({ ...input, others: { busyUnits: {}, unavailable: {} } }),
    },
  },
  {
    name: "takes a host that may not have heard of a withdrawal for withdrawn",
    caughtAs: /^withdrawal:/,
    subject: { ...subject, planRollout: (input) => planRollout(withEveryHostUpToDate(input)) },
  },
  ...brokenActivations,
  ...brokenGates,
  ...brokenTurns,
  ...brokenPrograms,
  ...brokenKeepers,
  ...brokenCertificates,
  {
    name: "sends an intent before it is saved",
    caughtAs: /^(11|liveness):/,
    subject: { ...subject, coordinator: { sendsBeforeSaving: true } },
  },
  {
    name: "sends intents that its store has no room for",
    caughtAs: /^(11|liveness|withdrawal|one rollout a unit):/,
    subject: { ...subject, coordinator: { ignoresFullDisk: true } },
  },
  {
    name: "goes on as if it had written what there is no room for",
    caughtAs: /^(1|2|5|9|11|back|liveness):/,
    subject: { ...subject, agent: { ignoresFullDisk: true } },
  },
  {
    name: "knows a withdrawal by the text of an intent alone",
    caughtAs: /^withdrawal:/,
    subject: { ...subject, coordinator: { comparesTextOnly: true } },
  },
  {
    name: "judges a host by its own fence",
    caughtAs: /^11:/,
    subject: { ...subject, coordinator: { comparesOwnFence: true } },
  },
  {
    name: "does not go on after a halt",
    caughtAs: /^(12|liveness):/,
    subject: {
      ...subject,
      planRollout: (input) =>
        input.state.phase === "halted" ? { next: input.state, actions: [], waitingOn: [] } : planRollout(input),
    },
  },
];

type Input = Parameters<typeof planRollout>[0];

function unknownAsGood(fed: FedEvidence): FedEvidence {
  const probes = fed.probes.map((answer) =>
    answer.outcome.kind === "unknown" ? { ...answer, outcome: { kind: "good", status: 200 } as const } : answer,
  );
  return { ...fed, probes };
}

function withoutCap(input: Input): Input {
  const stages = input.rollout.stages.map((stage) => ({ ...stage, maxUnavailable: 99 }));
  return { ...input, rollout: { ...input.rollout, stages } };
}

function withSilentSkipped({ hosts, now }: Input, plan: Plan): Plan {
  if (plan.next.phase !== "activating") return plan;
  const steps = Object.entries(plan.next.steps).map(([host, step]): [string, StepState] => {
    const isLost = step.kind === "activating" && hosts[host]?.connected === false;
    return [host, isLost ? { kind: "skipped", at: now, reason: "silent" } : step];
  });
  return { ...plan, next: { ...plan.next, steps: Object.fromEntries(steps) } };
}

function withEveryHostUpToDate(input: Input): Input {
  const hosts = Object.entries(input.hosts).map(([host, view]) => [host, { ...view, upToDate: true }]);
  return { ...input, hosts: Object.fromEntries(hosts) };
}

/** As if every host with a grant had said that it is live. */
function withEveryStepLive(input: Input): Input {
  const hosts = Object.entries(input.hosts).map(([host, view]) => {
    const step = input.state.steps[host];
    if (step === undefined || !("grant" in step) || view.observation === undefined) return [host, view];
    const progress = { kind: "provisional", switchedAt: input.now, switchMs: 1 } as const;
    const grants = [{ grant: step.grant, since: input.now, progress }];
    return [host, { ...view, observation: { ...view.observation, grants } }];
  });
  return { ...input, hosts: Object.fromEntries(hosts) };
}
