import { unsettled } from "@sluice/agent/reconcile/live-units";
import { recordStep } from "@sluice/agent/reconcile/settle-ledger";
import {
  type ActivationAction,
  type ActivationInput,
  type ActivationPlan,
  type ActivationState,
  type Grant,
  type GrantWord,
  instant,
  planActivation,
  readyKey,
  type UnitRelease,
} from "@sluice/core";
import type { BrokenSubject } from "./broken-subjects.ts";
import { type Subject, subject } from "./subject.ts";

const withActivation = (broken: Subject["planActivation"]): Subject => ({ ...subject, planActivation: broken });

/** Faults of the agent's decisions, put in on purpose. */
export const brokenActivations: readonly BrokenSubject[] = [
  {
    name: "does not know on its host what is one-way",
    caughtAs: /^one-way:/,
    subject: withActivation((input) => {
      const plan = planActivation({ ...input, word: revertible(input.word) });
      const { oneWay } = input.state.grant;
      return {
        ...plan,
        next: { ...plan.next, grant: { ...plan.next.grant, ...(oneWay === undefined ? {} : { oneWay }) } },
      };
    }),
  },
  {
    name: "keeps a grant beyond its confirm-by",
    caughtAs: /^9:/,
    subject: withActivation((input) => planActivation({ ...input, unconfirmed: "keep" })),
  },
  {
    name: "takes its own activation for confirmed",
    caughtAs: /^1:/,
    subject: withActivation((input) =>
      planActivation(input.state.phase === "provisional" ? { ...input, word: { kind: "confirmed" } } : input),
    ),
  },
  {
    name: "switches without having probed",
    caughtAs: /^6:/,
    subject: withActivation((input) => planActivation(unprobed(input))),
  },
  {
    name: "switches to a slot that is not ready",
    caughtAs: /^(5|6):/,
    subject: withActivation((input) => planActivation(unprobed(allReady(input)))),
  },
  {
    name: "lets a successor accept before it is probed",
    caughtAs: /^6:/,
    subject: withActivation((input) => withOrders(input, "probing-before", acceptAll(input))),
  },
  {
    name: "drains the predecessor before the successor accepts",
    caughtAs: /^5:/,
    subject: withActivation((input) => {
      const plan = planActivation(input);
      const drains = plan.actions.filter(({ kind }) => kind === "drain");
      const accepts = plan.actions.some(({ kind }) => kind === "accept");
      return input.state.phase === "switching" && accepts ? { ...plan, actions: drains } : plan;
    }),
  },
  {
    name: "ends a predecessor instead of draining it",
    caughtAs: /^3:/,
    subject: withActivation((input) => {
      const plan = planActivation(input);
      return { ...plan, actions: plan.actions.map(endAtOnce) };
    }),
  },
  {
    name: "forgets to go back",
    caughtAs: /^(3|9):/,
    subject: withActivation((input) => {
      const plan = planActivation(input);
      const { next } = plan;
      if (next.phase !== "restoring") return plan;
      const { startedAt: _, ...rest } = next;
      return { ...plan, next: { ...rest, phase: "clearing", deadline: input.now } };
    }),
  },
  {
    name: "stops what was live before while the new release is on trial",
    caughtAs: /^back:/,
    subject: withActivation((input) => withOrders(input, "provisional", stopBefore(input.state))),
  },
  {
    name: "stops the old slot without waiting for its users",
    caughtAs: /^3:/,
    subject: withActivation((input) => {
      const { state } = input;
      if (state.phase !== "draining") return planActivation(input);
      const plan = planActivation({ ...input, state: { ...state, deadline: instant(0) } });
      return plan.next.phase === "draining" ? { ...plan, next: state } : plan;
    }),
  },
  {
    name: "switches a part of what belongs together",
    caughtAs: /^5:/,
    subject: withActivation((input) => {
      const plan = planActivation({ ...input, state: firstPartOnly(input.state) });
      return { ...plan, next: { ...plan.next, parts: input.state.parts } };
    }),
  },
  ...brokenMemories(),
];

function brokenMemories(): readonly BrokenSubject[] {
  return [
    {
      name: "goes on with what was on trial after a restart of the host",
      caughtAs: /^2:/,
      subject: {
        ...subject,
        interruptAll: (ledger) => ledger,
        planActivation: (input) => planActivation({ ...input, facts: { ...input.facts, cold: false } }),
      },
    },
    {
      name: "takes what was on trial for proven after a restart of the host",
      caughtAs: /^1:/,
      subject: {
        ...subject,
        interruptAll: (ledger, input) =>
          unsettled(ledger).reduce(
            (so, state) => {
              if (state.phase !== "provisional") return so;
              return recordStep(so, { ...state, phase: "draining", deadline: input.now }, input.now);
            },
            subject.interruptAll(ledger, input),
          ),
      },
    },
    {
      name: "brings what is desired up without a grant",
      caughtAs: /^1:/,
      subject: {
        ...subject,
        provenOf: (ledger, intent) => {
          const desired = (intent?.body.units ?? []).flatMap(({ unit, desired: digest, hold }) =>
            hold.filter((release) => release.digest === digest).map((release) => [unit, release] as const),
          );
          return { ...ledger.proven, ...Object.fromEntries<UnitRelease>(desired) };
        },
      },
    },
    {
      name: "takes the coordinator's word for proven whatever runs",
      caughtAs: /^1:/,
      subject: {
        ...subject,
        settleLedger: (ledger, input) => {
          const settled = subject.settleLedger(ledger, input);
          const busy = new Set<string>(unsettled(settled).flatMap(({ parts }) => parts.map(({ unit }) => unit)));
          const told = (input.intent?.body.units ?? []).flatMap(({ unit, proven }) =>
            proven === undefined || busy.has(unit) || settled.proven[unit]?.digest === proven.digest
              ? []
              : [[unit, proven] as const],
          );
          if (told.length === 0) return settled;
          return { ...settled, proven: { ...settled.proven, ...Object.fromEntries(told) } };
        },
      },
    },
    {
      name: "looks after units that an activation has in its hands",
      caughtAs: /./,
      subject: {
        ...subject,
        planSiteUpkeep: (input, site) => subject.planSiteUpkeep({ ...input, busy: new Set() }, site),
      },
    },
  ];
}

/** As if the grant said that it need not be probed before the switch. */
function unprobed(input: ActivationInput): ActivationInput {
  const skip = (grant: Grant): Grant => ({ ...grant, probesBefore: { kind: "skipped", by: "nobody", reason: "none" } });
  const word: GrantWord = input.word.kind === "held" ? { kind: "held", grant: skip(input.word.grant) } : input.word;
  return input.state.phase === "starting-successors" ? { ...input, word } : input;
}

const allReady = (input: ActivationInput): ActivationInput => ({
  ...input,
  facts: { ...input.facts, ready: input.host.slots.map(readyKey) },
});

/** The plan with one more order in front of the others in a phase that it stays in. */
function withOrders(
  input: ActivationInput,
  phase: ActivationState["phase"],
  orders: readonly ActivationAction[],
): ActivationPlan {
  const plan = planActivation(input);
  return plan.next.phase === phase ? { ...plan, actions: [...orders, ...plan.actions] } : plan;
}

function acceptAll({ state, host }: ActivationInput): readonly ActivationAction[] {
  const waiting = host.proxies.filter(
    ({ unit, accepting, draining, digest }) =>
      !accepting && !draining && state.parts.some((part) => part.unit === unit && part.release.digest === digest),
  );
  return waiting.map(({ childId }) => ({ kind: "accept", childId }));
}

function stopBefore({ parts }: ActivationState): readonly ActivationAction[] {
  return parts.flatMap((part): readonly ActivationAction[] => {
    if (part.kind !== "site" || part.unchanged || part.from === undefined) return [];
    return [{ kind: "stop-slot", site: part.site, slot: part.from.slot, graceMs: 0 }];
  });
}

const endAtOnce = (action: ActivationAction): ActivationAction =>
  action.kind === "drain" ? { kind: "remove-proxy", childId: action.childId, graceMs: 0 } : action;

const firstPartOnly = (state: ActivationState): ActivationState => ({
  ...state,
  parts: state.parts.map((part, index) => (index === 0 ? part : { ...part, unchanged: true })),
});

function revertible(word: GrantWord): GrantWord {
  if (word.kind !== "held") return word;
  const { oneWay: _, ...grant } = word.grant;
  return { kind: "held", grant };
}
