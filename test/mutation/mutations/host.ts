import { mutationsOf } from "../mutation.ts";

/** Faults in what a host is told and in what it does with a grant. */
export const hostMutations = [
  ...mutationsOf("intent/derive-intent.ts", [
    {
      name: "takes the grant away from what is on trial",
      find: 'step.kind !== "activating" && step.kind !== "provisional" && step.kind !== "reverting"',
      put: 'step.kind !== "activating" && step.kind !== "reverting"',
      notSimulated: "every trial ends by itself then: nothing breaks, and nothing goes forwards",
    },
    {
      name: "does not have hosts keep what is proven",
      find: "[desired, proven, ...granted,",
      put: "[desired, ...granted,",
      notSimulated: "simulated hosts have room for everything, and remove nothing",
    },
    {
      name: "grants the new release for the way back",
      find: "const digest = back ? from : to;",
      put: "const digest = to;",
    },
    {
      name: "keeps a grant that was withdrawn",
      find: 'if (step.kind !== "activating"',
      put: 'if (step.kind !== "withdrawing" && step.kind !== "activating"',
    },
  ]),
  ...mutationsOf("intent/judge-intent.ts", [
    {
      name: "obeys a lower fence",
      find: "if (got.fence < have.maxFence)",
      put: "if (got.fence < 0)",
      notSimulated:
        "what comes with a lower fence is of an older generation as well in simulated histories, and refused for that",
    },
    {
      name: "obeys the intent before the newest",
      find: 'if (got.generation < have.generation) return { kind: "stale"',
      put: 'if (got.generation + 1 === have.generation) return { kind: "apply" };\n  if (got.generation < have.generation) return { kind: "stale"',
    },
    {
      name: "takes another text of the same generation for the same",
      find: "return got.digest === have.digest\n",
      put: "return got.digest !== undefined\n",
      notSimulated: "two coordinators of one generation would have to lead one host: a backup is always behind",
    },
  ]),
  ...mutationsOf("intent/judge-lead.ts", [
    {
      name: "leads hosts that obey newer fences",
      find: "if (memory.maxFence > issued.fence) {",
      put: "if (memory.maxFence > issued.fence + 1e9) {",
    },
    {
      name: "leads hosts that obey the generation after its own",
      find: "if (memory.generation > issued.generation) {",
      put: "if (memory.generation > issued.generation + 1) {",
    },
    {
      name: "leads hosts that obey another intent of the same generation",
      find: "memory.generation === issued.generation && memory.digest !== issued.digest",
      put: "memory.generation < 0",
      notSimulated: "two coordinators of one generation would have to lead one host: a backup is always behind",
    },
  ]),
  ...mutationsOf("activation/create-activation.ts", [
    { name: "starts the new release in the live slot", find: "otherSlot(now.slot)", put: "now.slot" },
    {
      name: "restarts nothing that has the same release",
      find: 'grant.kind !== "restart" && isAsWanted',
      put: "isAsWanted",
      notSimulated: "a restart that does nothing is as good a release as before, for every promise",
    },
  ]),
  ...mutationsOf("activation/plan-activation.ts", [
    {
      name: "goes on preparing after confirm-by",
      find: 'return input.now >= state.grant.confirmBy ? stopBefore(input, { kind: "unconfirmed" }) : undefined;',
      put: "return undefined;",
      notSimulated: "simulated hosts prepare for minutes, and have longer",
    },
    {
      name: "keeps live what nobody confirmed",
      find: "now >= state.grant.confirmBy;",
      put: "now < 0;",
    },
    {
      name: "undoes what is one-way because nobody confirmed it",
      find: " && state.grant.oneWay === undefined",
      put: "",
    },
    {
      name: "keeps what was withdrawn while it was being prepared",
      find: 'if (input.word.kind !== "held") return stopBefore(input, { kind: "withdrawn" });',
      put: "",
      notSimulated: "it is taken back before it is switched, later",
    },
    {
      name: "prepares a grant further after a cold start",
      find: "if (input.facts.cold && state.parts.some(({ from }) => from !== undefined)) return interrupted(input);",
      put: "",
    },
    {
      name: "confirms what is on trial before the coordinator does",
      find: 'if (input.word.kind === "confirmed") return confirm(input, state);',
      put: 'if (input.word.kind !== "none") return confirm(input, state);',
    },
  ]),
  ...mutationsOf("activation/plan-preparing.ts", [
    {
      name: "does not wait until a slot is ready",
      find: 'if (waiting.length === 0) {\n    return go({ ...state, phase: "starting-successors"',
      put: 'if (waiting.length >= 0) {\n    return go({ ...state, phase: "starting-successors"',
      notSimulated: "probes before the switch find out what is not ready",
    },
    {
      name: "switches although the probes before fail",
      find: 'return refuse(input, "probes-before", verdict.sentence);',
      put: "return toSwitching(input, state);",
    },
    { name: "does not probe slots before the switch", find: "return [...slots, ...hops];", put: "return [...hops];" },
    {
      name: "does not probe successors before the switch",
      find: "return [...slots, ...hops];",
      put: "return [...slots];",
    },
    {
      name: "waits for files for ever",
      find: 'if (input.now >= state.deadline) {\n    return refuse(input, "install"',
      put: 'if (input.now < 0) {\n    return refuse(input, "install"',
      notSimulated: "what cannot be fetched ends with its grant",
    },
  ]),
  ...mutationsOf("activation/plan-switching.ts", [
    {
      name: "switches the front before the proxies behind it",
      find: "if (before.length > 0) return before;",
      put: "if (before.length > 99) return before;",
    },
    { name: "drains a proxy whose successor does not accept", find: "    ...accept,\n", put: "" },
    {
      name: "keeps live what the probes after the switch find broken",
      find: 'if (verdict.kind === "bad") return unlessOneWay(input, state, verdict.sentence);',
      put: 'if (verdict.kind === "bad") return toProvisional(state, []);',
      notSimulated: "what is broken then shows no good evidence, and its wave does not pass",
    },
    {
      name: "keeps live what crashes in a loop",
      find: ">= restartsMax,",
      put: ">= restartsMax * 1000,",
      notSimulated: "what crashes answers no probe, and its wave does not pass",
    },
    {
      name: "leaves the old table in a proxy that accepts",
      find: ".filter((seen) => !seen.draining && seen.slots.live !== slots.live)",
      put: ".filter(() => false)",
    },
    {
      name: "does not lead users again to what is on trial",
      find: "if (actions.length === 0) return undefined;",
      put: "if (actions.length >= 0) return undefined;",
      notSimulated:
        "who waits for the sockets is told at the switch; an order would have to be on its way at that very moment",
    },
    {
      name: "keeps what is on trial over a cold start",
      find: "if (facts.cold) return `the host or its keeper restarted before",
      put: "if (facts.cold === null) return `the host or its keeper restarted before",
    },
  ]),
  ...mutationsOf("activation/plan-ending.ts", [
    {
      name: "ends slots that still have users",
      find: "const late = input.now >= state.deadline;\n  const actions = [\n    ...proxies",
      put: "const late = true;\n  const actions = [\n    ...proxies",
    },
    {
      name: "does not start again what was live before",
      find: "if (slots.length > 0) return slots;",
      put: "if (slots.length > 99) return slots;",
      notSimulated:
        "what was live before is kept for the way back, and a process that ends is started again by its keeper",
    },
    {
      name: "ends a slot that users are sent to",
      find: "slotSeen(host, site, to) !== undefined && !isLedTo(host, site, to)",
      put: "slotSeen(host, site, to) !== undefined",
      notSimulated:
        "somebody would have to lead a proxy back by hand, whose own grant was withdrawn with that of its site",
    },
  ]),
  ...mutationsOf("activation/probe-tally.ts", [
    {
      name: "takes any answer of a probe for a good one",
      find: "const open = runs.filter(({ run }) => (run?.goodInRow ?? 0) === 0);",
      put: "const open = runs.filter(({ run }) => run === undefined);",
    },
    {
      name: "takes unanswered probes for good ones",
      find: "const open = runs.filter(({ run }) => (run?.goodInRow ?? 0) === 0);",
      put: "const open = runs.filter(({ run }) => (run?.badInRow ?? 0) > 0);",
    },
  ]),
];
