import { mutationsOf } from "../mutation.ts";

/** Faults in the decisions about changes of Sluice's own programs. */
export const programMutations = [
  ...mutationsOf("programs/plan-program-change.ts", [
    {
      name: "does not mind which version a program says that it is",
      find: "if (saidVersion !== undefined && saidVersion !== release.version) {",
      put: "if (saidVersion === undefined && false) {",
    },
    {
      name: "waits for ever for a program to be confirmed",
      find: 'return word.kind === "held" && now >= state.grant.confirmBy ?',
      put: 'return word.kind === "held" && now < 0 ?',
    },
    {
      name: "keeps a program on trial whose grant was withdrawn",
      find: 'if (word.kind === "withdrawn") return end(input, { kind: "withdrawn" });',
      put: "",
    },
    {
      name: "does not see that a program on trial has ended",
      find: 'if (!runsTrial(input)) return end(input, gone(input));\n  return stay(state, [], "waiting for the coordinator to confirm");',
      put: 'return stay(state, [], "waiting for the coordinator to confirm");',
    },
    {
      name: "does not hear from the watchdog that a trial is over",
      find: "if (over !== undefined && !runsTrial(input))",
      put: "if (over === undefined && !runsTrial(input) && false)",
      notSimulated: "the agent before sees that its successor is gone, or was not started in time",
    },
    {
      name: "takes a program for live before it reaches the coordinator",
      find: "...(input.isConnected ? [] : [waitingForCoordinator(state)]),",
      put: "",
      notSimulated: "nobody proves what the coordinator does not hear, and it goes when its time is up",
    },
  ]),
  ...mutationsOf("programs/plan-program-file.ts", [
    {
      name: "has a program on trial started as the proven one",
      find: "const live = proven === undefined ? file.proven : toStart(proven);",
      put: "const live = change === undefined ? (proven === undefined ? file.proven : toStart(proven)) : programToStart(change.release);",
    },
    {
      name: "makes room for a program whose trial is over",
      find: "(begins && agent.trialEnds[change.grant.id] === undefined) || ends",
      put: "begins || ends",
      notSimulated: "the change has ended before the file is looked at",
    },
    {
      name: "stays although its trial is over",
      find: "=== undefined) || ends }",
      put: "=== undefined) }",
      notSimulated: "the watchdog ends it ten seconds later",
    },
    {
      name: "never says that a program on trial has found all well",
      find: 'isReported: phase === "provisional",',
      put: "isReported: false,",
      notSimulated: "a wave of a simulated fleet is confirmed before the watchdog has waited for long enough",
    },
  ]),
];
