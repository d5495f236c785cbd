import { mutationsOf } from "../mutation.ts";

/** Faults in the decisions about waves, grants and the way back. */
export const rolloutMutations = [
  ...mutationsOf("rollout/plan-activating.ts", [
    {
      name: "observes a wave before all of it is live",
      find: 'wave.every(({ host }) => stepOf(steps, host).kind === "provisional")',
      put: 'wave.some(({ host }) => stepOf(steps, host).kind === "provisional")',
    },
    {
      name: "lets a wave activate for ever",
      find: "if (blind === undefined && now >= state.deadline) return haltLate",
      put: "if (blind !== undefined && now >= state.deadline) return haltLate",
    },
    {
      name: "goes on although something else was proven since it was planned",
      find: "if (outdated !== undefined) return halt(",
      put: "if (outdated === null) return halt(",
    },
    {
      name: "grants a step to a host that is silent",
      find: "if (input.hosts[host]?.connected !== true) {",
      put: "if (input.hosts[host] === undefined) {",
    },
    {
      name: "takes units out of the hands of another rollout",
      find: "if (other !== undefined) {",
      put: "if (other === input.rollout.id) {",
    },
    {
      name: "lets a younger rollout take the room that an older one waits for",
      find: "if (ahead.length === 0) return queuedBehind(input, state, change, room);",
      put: "if (ahead.length === 0) return undefined;",
      notSimulated: "no promise says whose turn comes first; each comes by its deadline",
    },
    {
      name: "does not count a host that gives its grant back as unavailable",
      find: 'countedAgainst = ["activating", "withdrawing", "reverting"]',
      put: 'countedAgainst = ["activating", "reverting"]',
      notSimulated: "a rollout with a host that gives its grant back has halted or was aborted, and grants nothing",
    },
    {
      name: "grants steps while it is blind",
      find: 'else if (step.kind === "pending" && blind === undefined) {',
      put: 'else if (step.kind === "pending") {',
    },
    {
      name: "ends the soak when it begins",
      find: "const soakUntil = after(now, stage.gates.soakMs);",
      put: "const soakUntil = now;",
    },
  ]),
  ...mutationsOf("rollout/plan-waiting-for-gates.ts", [
    {
      name: "starts a wave whose gates are closed",
      find: "...closed.map((gate) => waitingOnGate(gate, state.deadline)),",
      put: "",
    },
    { name: "does not wait until hosts hold for proven what passed", find: "    ...unconfirmed,\n", put: "" },
    {
      name: "waits at a gate for ever",
      find: "if (now < state.deadline || isAnswered || blind !== undefined) return",
      put: "if (now < state.deadline || now > 0) return",
      notSimulated: "a gate has days until its deadline, and simulated ones open within hours",
    },
    {
      name: "goes on although a host undid what had passed",
      find: "if (undone !== undefined) return halt(",
      put: "if (undone === null) return halt(",
    },
    {
      name: "asks hosts of the same environment alone for their confirmation",
      find: "stage < at.stage || (stage === at.stage && wave < at.wave)",
      put: "stage === at.stage && wave < at.wave",
    },
  ]),
  ...mutationsOf("rollout/plan-observing.ts", [
    {
      name: "passes a wave before it soaked",
      find: "if (promoted !== undefined || now >= soakUntil ||",
      put: "if (promoted === undefined || now >= soakUntil ||",
    },
    {
      name: "passes a wave with a host that says nothing",
      find: "...missingHosts(input, state, steps), ",
      put: "",
      notSimulated: "evidence of a host that falls silent is missing as well, and holds the wave just the same",
    },
    { name: "passes a wave without evidence", find: ", ...missingEvidence(input, state)];", put: "];" },
    {
      name: "ignores a regression",
      find: "if (isRegressed(input, steps)) return",
      put: "if (steps === null) return",
    },
    {
      name: "passes a wave when its time is up",
      find: 'return halt(rollout, steps, haltCause("deadline", sentence, now, evidence));',
      put: "return pass(input, state, steps);",
    },
    {
      name: "ignores a step that fails while it is observed",
      find: "if (failure !== undefined) return halt(",
      put: "if (failure === null) return halt(",
    },
    {
      name: "records nothing as proven",
      find: "...wave.map(recordProven),",
      put: "...wave.slice(0, 0).map(recordProven),",
    },
    {
      name: "records only the first host of a wave as proven",
      find: "...wave.map(recordProven),",
      put: "...wave.slice(0, 1).map(recordProven),",
    },
  ]),
  ...mutationsOf("rollout/plan-reverting.ts", [
    {
      name: "takes back what a later rollout has proven",
      find: "return change.units.every(({ unit, to }) => (input.proven?.[hostUnit(change.host, unit)] ?? to) === to);",
      put: "return true;",
      notSimulated: "no history takes back a completed rollout",
    },
    {
      name: "takes back what passed because nothing was heard in time",
      find: 'kind !== "deadline" && kind !== "outdated"',
      put: 'kind !== "outdated"',
    },
    {
      name: "goes back for ever",
      find: "const late = now >= state.deadline &&",
      put: "const late = now < 0 &&",
      notSimulated: "hosts that are sent back are back in time, or say that they failed",
    },
    {
      name: "calls nobody when it could not go back",
      find: "actions: [...actions, page]",
      put: "actions",
      notSimulated: "nobody is called in a simulated history",
    },
    {
      name: "sends further hosts back after that failed on one",
      find: "if (hasFailed(settled, state.since)) return",
      put: "if (settled === null) return",
      notSimulated: "hardly ever does a revert fail while another host waits for its turn",
    },
    {
      name: "has gone back before its hosts say so",
      find: "[...withdrawals(input, turns.steps, state), ...turns.waitingOn]",
      put: "[...turns.waitingOn]",
    },
    {
      name: "says that it went back although a host was left on the new release",
      find: 'phase: left ? "held" : "reverted"',
      put: 'phase: "reverted"',
    },
    {
      name: "goes back on units that are in the hands of another rollout",
      find: "if (other !== undefined)\n",
      put: "if (other === input.rollout.id)\n",
    },
  ]),
  ...mutationsOf("rollout/plan-halted.ts", [
    {
      name: "takes back what has no way back",
      find: "if (stays !== undefined) {",
      put: "if (stays === null) {",
    },
    { name: "goes back where it has to hold", find: '.includes("hold");', put: '.includes("never");' },
    {
      name: "leaves what is on trial where it is after a halt",
      find: 'const granted = step.kind === "activating" || step.kind === "provisional";',
      put: 'const granted = step.kind === "activating";',
    },
  ]),
  ...mutationsOf("rollout/settle-steps.ts", [
    {
      name: "takes a host that may not have heard of a withdrawal for withdrawn",
      find: "if (view?.upToDate !== true || view.observation === undefined) return false;",
      put: "if (view?.observation === undefined) return false;",
    },
    {
      name: "does not hear that a host undid its grant",
      find: 'return { kind: "failed", at: now, reason: "undid it because nobody confirmed it in time", touchedTraffic: true };',
      put: "return step;",
      notSimulated: "what undid its grant shows no evidence, so that its wave ends by its deadline instead",
    },
    {
      name: "takes a host that prepares to go back for one that is back",
      find: 'case "preparing":\n      return step;\n    case "provisional":\n      return { kind: "reverted", at: now };',
      put: 'case "preparing":\n    case "provisional":\n      return { kind: "reverted", at: now };',
      notSimulated: "the grant stands whatever the coordinator takes the host for, so that it goes back all the same",
    },
    {
      name: "does not record what runs again after a revert",
      find: 'return [{ kind: "record-proven", host: change.host, units }];',
      put: "return [];",
    },
    {
      name: "takes a host that prepares for one that is live",
      find: 'case "preparing":\n      return step;\n    case "provisional":\n      if (step.kind === "provisional") return step;',
      put: 'case "preparing":\n    case "provisional":\n      if (step.kind === "provisional") return step;',
    },
  ]),
  ...mutationsOf("rollout/capacity.ts", [
    {
      name: "lets one host more be changed than allowed",
      find: "if (hosts.size >= atOnce) return [...hosts];",
      put: "if (hosts.size > atOnce) return [...hosts];",
    },
    {
      name: "gives units on trial to another rollout",
      find: 'isMidActivation(step) || step.kind === "provisional"',
      put: "isMidActivation(step)",
    },
    {
      name: "counts only hosts that go forwards for what other rollouts hold",
      find: "if (!isMidActivation(step)) continue;",
      put: 'if (step.kind !== "activating") continue;',
    },
    {
      name: "lets a younger rollout take the last room",
      find: "if (atOnce <= 0 ||",
      put: "if (atOnce < 0 ||",
      notSimulated: "no promise says whose turn comes first; each comes by its deadline",
    },
    {
      name: "takes no rollout for older",
      find: "active.findIndex(({ rollout }) => rollout.id === id),",
      put: "0,",
      notSimulated: "no promise says whose turn comes first; each comes by its deadline",
    },
  ]),
  ...mutationsOf("rollout/plan-waves.ts", [
    {
      name: "rounds the size of a wave down",
      find: "Math.ceil((hosts * size.percent) / 100)",
      put: "Math.floor((hosts * size.percent) / 100)",
      notSimulated: "smaller waves break no promise",
    },
    {
      name: "leaves out hosts that no size reaches",
      find: "return taken < hosts.length ? [...waves, hosts.slice(taken)] : waves;",
      put: "return waves;",
      notSimulated: "simulated waves reach all hosts",
    },
  ]),
  ...mutationsOf("rollout/wave.ts", [
    {
      name: "forgets the last wave of an environment",
      find: "if (at.wave + 1 < stageAt(rollout, at).waves.length)",
      put: "if (at.wave + 2 < stageAt(rollout, at).waves.length)",
    },
    {
      name: "does a single environment only",
      find: "index > at.stage && candidate.waves.length > 0",
      put: "index > at.stage + 99 && candidate.waves.length > 0",
    },
  ]),
  ...mutationsOf("rollout/blindness.ts", [
    { name: "never takes itself for blind", find: "fleet.silent < 2 ||", put: "fleet.silent < 999 ||" },
  ]),
  ...mutationsOf("rollout/timings.ts", [
    {
      name: "lets hosts undo a grant at the very moment at which it can still be confirmed",
      find: "confirmMarginMs: DurationMs = minutes(5);",
      put: "confirmMarginMs: DurationMs = minutes(0);",
    },
    {
      name: "lets hosts undo a grant before its wave has been observed",
      find: "return after(observingDeadline(stage, activatingUntil), confirmMarginMs);",
      put: "return after(activatingUntil, confirmMarginMs);",
      notSimulated: "simulated waves pass within the margin that is left, or not at all",
    },
    {
      name: "goes back everywhere at once",
      find: "Math.max(1, stage.maxUnavailable * 2)",
      put: "Math.max(1, stage.maxUnavailable * 99)",
    },
    {
      name: "gives the whole way back the time of one host",
      find: "turns(stage.waves.flat().length, revertsAtOnce(stage))",
      put: "1",
      notSimulated: "simulated steps take a small part of their time",
    },
    {
      name: "forgets the way back in the time that a wave takes",
      find: "return durationMs(revertingDeadline(stages, observingDeadline(stage, activated)));",
      put: "return durationMs(observingDeadline(stage, activated));",
    },
  ]),
];
