import { mutationsOf } from "../mutation.ts";

/** Faults in what operators may do, and in the gates before waves. */
export const operatorMutations = [
  ...mutationsOf("rollout/plan-holding.ts", [
    {
      name: "lets grants lapse while a person thinks",
      find: 'const lapsesSoon = "confirmBy" in step && step.confirmBy < instant(now + window / 2);',
      put: "const lapsesSoon = false;",
      notSimulated: "simulated people answer before what they hold lapses",
    },
    {
      name: "keeps a paused wave live that regresses",
      find: "if (isRegressed(input, steps)) return",
      put: "if (steps === null) return",
      notSimulated: "what simulated people pause is well, or has been judged before",
    },
    {
      name: "keeps a paused wave live that fails",
      find: "if (failure !== undefined) return halt(",
      put: "if (failure === null) return halt(",
    },
  ]),
  ...mutationsOf("rollout/apply-verb.ts", [
    {
      name: "promotes against a regression",
      find: '  if (verdict.kind === "regressed") {\n    return refuse(\n      "verb-refused",\n      `cannot promote',
      put: '  if (verdict.kind === "none") {\n    return refuse(\n      "verb-refused",\n      `cannot promote',
      notSimulated: "a regression halts the rollout with the next plan, promoted or not",
    },
    {
      name: "aborts without taking its grants back",
      find: "steps: withdrawn(state.steps, now),",
      put: "steps: state.steps,",
    },
    {
      name: "lets one person approve twice",
      find: "if (approvers.includes(by)) {",
      put: 'if (by === "") {',
      notSimulated: "whoever counts approvals counts people, so that a second one of the same person opens nothing",
    },
  ]),
  ...mutationsOf("rollout/resumed.ts", [
    {
      name: "resumes with deadlines that have passed",
      find: "const state = later(paused.resumeTo, between(paused.since, now));",
      put: "const state = now > 0 ? paused.resumeTo : later(paused.resumeTo, between(paused.since, now));",
      notSimulated: "simulated people pause for shorter than a wave has left",
    },
    {
      name: "resumes with grants that lapse before the wave can pass",
      find: "granted && step.confirmBy < needed",
      put: "granted && step.confirmBy < 0",
      notSimulated: "grants that a person holds are prolonged with every plan, for longer than simulated waves take",
    },
  ]),
  ...mutationsOf("rollout/override-gate.ts", [
    {
      name: "overrides the evidence against a regression",
      find: 'if (verdict.kind === "regressed" && state.phase === "observing")',
      put: 'if (verdict.kind === "none")',
      notSimulated: "a regression halts the rollout with the next plan, overridden or not",
    },
    {
      name: "opens a gate for every wave by one override",
      find: "const wave = environmentGates.includes(gate) ? {} : { wave: state.at.wave };",
      put: "const wave = {};",
    },
    {
      name: "overrides without a reason",
      find: 'if (reason === undefined || reason.trim() === "")',
      put: "if (reason === null)",
      notSimulated: "simulated operators always have a reason",
    },
  ]),
  ...mutationsOf("rollout/halt-all.ts", [
    {
      name: "stops what goes back when everything is halted",
      find: 'if (rollout.kind === "revert" || refusal(',
      put: "if (refusal(",
      notSimulated: "a revert that is held goes on once the halt is lifted, and nothing says how soon",
    },
  ]),
  ...mutationsOf("gates/judge-gates.ts", [
    {
      name: "asks gates of a rollout that goes back",
      find: 'if (rollout.kind === "revert") return [];',
      put: 'if (rollout.kind === "none") return [];',
      notSimulated: "a revert waits at its gates then, and no promise says how soon it has to be back",
    },
    {
      name: "starts a wave in a window that is too short for it",
      find: "if (start !== undefined && start <= now) {",
      put: "if (opening !== undefined) {",
    },
    {
      name: "lets the last approval be missing",
      find: "if (missing.length > 0) return",
      put: "if (missing.length > 1) return",
    },
    {
      name: "takes an acknowledgement that has expired",
      find: "if (now >= expiresAt)",
      put: "if (now < attendance.at)",
    },
    {
      name: "takes some hosts for the environment below",
      find: "if (uncovered.length === 0) return open(",
      put: "if (uncovered.length < below.hosts.length) return open(",
    },
    {
      name: "changes hosts that nobody hears of",
      find: "if (unheard.length === 0 && ownerless.length === 0)",
      put: "if (ownerless.length === 0)",
    },
    {
      name: "heeds no freeze",
      find: ".filter((freeze) => concerns(freeze, environment, rollout.sites))",
      put: ".filter(() => false)",
    },
    {
      name: "asks gates before the first wave only",
      find: "state.at.wave === 0 || !environmentGates.includes(gate)",
      put: "state.at.wave === 0",
    },
    {
      name: "forgets that everything was halted",
      find: "if (haltAll === undefined) return [];",
      put: "if (haltAll !== null) return [];",
    },
    {
      name: "does not compare kinds of bindings",
      find: "if (found.length === 0) return open(",
      put: "if (found.length >= 0) return open(",
    },
  ]),
  ...mutationsOf("gates/overrides.ts", [
    {
      name: "takes the override of one gate for all of them",
      find: "one.check === gate &&",
      put: "one.check !== undefined &&",
    },
    {
      name: "takes the override of one environment for all of them",
      find: "(one.environment === undefined || one.environment === environment) &&",
      put: "",
    },
  ]),
  ...mutationsOf("gates/approvals.ts", [
    {
      name: "takes the approval of one environment for another",
      find: "one.environment === environment && one.role === role",
      put: "one.role === role",
      notSimulated:
        "simulated people approve what waits for them, so that an environment has approvals of its own by then",
    },
  ]),
  ...mutationsOf("gates/coverage.ts", [
    {
      name: "takes a host that is on trial below for covered",
      find: 'placed.step.kind !== "passed"',
      put: 'placed.step.kind === "pending"',
      notSimulated: "environments follow each other, so that nothing below is on trial when the next one asks",
    },
    {
      name: "takes a silent host below for covered",
      find: 'return hosts[host]?.connected === true ? undefined : "is silent";',
      put: "return undefined;",
      notSimulated:
        "who falls silent below has passed there all the same, and what is asked of the silent elsewhere holds the wave",
    },
  ]),
  ...mutationsOf("gates/freeze.ts", [
    {
      name: "heeds only freezes that name the environment",
      find: "environments.length === 0 || environments.includes(environment)",
      put: "environments.includes(environment)",
    },
  ]),
  ...mutationsOf("gates/time-window.ts", [
    {
      name: "takes every opening for long enough",
      find: "between(start, to) >= neededMs",
      put: "between(start, to) >= 0",
    },
  ]),
  ...mutationsOf("gates/representativeness.ts", [
    {
      name: "takes a binding without TLS for one with it",
      find: "JSON.stringify([kind, tls !== undefined, edge !== undefined])",
      put: "JSON.stringify([kind, edge !== undefined])",
      notSimulated: "simulated bindings have no TLS",
    },
  ]),
];
