import type { GrantFailure } from "../host/observation.ts";
import { proxyUnit } from "../intent/intent.ts";
import { after, between, seconds } from "../units/time.ts";
import { acceptOrders } from "./accept-orders.ts";
import {
  type Absent,
  type ActivationAction,
  type ActivationInput,
  type ActivationPlan,
  type InActivation,
  isOrder,
  type ProbeRoundOrder,
  type ProxyPart,
} from "./activation.ts";
import {
  changingProxies,
  changingSites,
  drainMs,
  sitesAsked,
  sitesBehindSameProxy,
  wantedTable,
} from "./activation-parts.ts";
import { describePart, describeParts, trafficGoesBack } from "./activation-words.ts";
import { acceptingProxies, proxiesOf, proxySeen, silentOf, slotSeen } from "./observed-host.ts";
import { endForGood, goBack } from "./plan-ending.ts";
import { brokenOrder } from "./plan-preparing.ts";
import { judgeTally, questionsOn } from "./probe-tally.ts";

/** An edge may lead to other hosts; a quarter of a minute of asking finds this one or says that it can't be found. */
const edgeWithinMs = seconds(15);
/** Room for three failures in a row of the slowest probe on every hop. */
const probeWithinMs = seconds(90);
/** Crashes since its start after which a provisional copy is not worth having. */
const restartsMax = 3;

export function planSwitching(input: ActivationInput, state: InActivation<"switching">): ActivationPlan {
  const lost = lostWhileLive(input);
  if (lost !== undefined) return undo(input, state, "interrupted", lost);
  const actions = switchOrders(input, state);
  if (actions.length === 0) {
    const { grant, since, parts, notes, successors, startedAt } = state;
    const { now } = input;
    return {
      next: {
        grant,
        since,
        parts,
        notes,
        successors,
        phase: "probing-after",
        switchedAt: now,
        switchMs: between(startedAt, now),
        edgeDeadline: after(now, edgeWithinMs),
        deadline: after(now, probeWithinMs),
      },
      actions: [],
      waitingOn: [],
    };
  }
  const broken = brokenOrder(input);
  if (broken !== undefined) return undo(input, state, "switch", broken);
  if (input.now >= state.deadline) return undo(input, state, "switch", "the switch did not come into force in time");
  return { next: state, actions: actions.filter(isOrder), waitingOn: [`switching to ${describeParts(state.parts)}`] };
}

/** Slots first, then proxies, the front last; empty when all that accepts is new. */
function switchOrders(
  input: ActivationInput,
  state: InActivation<"switching">,
): readonly (ActivationAction | Absent)[] {
  const tables = sitesBehindSameProxy(state).flatMap(({ site }) => tableOrders(input, site));
  const proxies = changingProxies(state);
  const sites = proxies.filter(({ kind }) => kind === "proxy").flatMap((part) => takeOver(input, state, part));
  const before = [...tables, ...sites];
  if (before.length > 0) return before;
  return proxies.filter(({ kind }) => kind === "front").flatMap((part) => takeOver(input, state, part));
}

function tableOrders(input: ActivationInput, site: string): readonly (ActivationAction | Absent)[] {
  if (acceptingProxies(input.host, proxyUnit(site)).length === 0) return [{ kind: "absent" }];
  return leadOrders(input, site);
}

/** Also for a process that waits for the sockets by another grant: it was told of the slots when it was started. */
function leadOrders(input: ActivationInput, site: string): readonly ActivationAction[] {
  const slots = wantedTable(input, site);
  return proxiesOf(input.host, proxyUnit(site))
    .filter((seen) => !seen.draining && seen.slots.live !== slots.live)
    .map(({ childId }) => ({ kind: "put-slots", childId, slots }));
}

/**
 * Whatever takes over the sockets while the release is on trial leads to it: a grant of the site's proxy may have let its successor
 * accept by the slots of a moment before the switch. Absent: all users are led there.
 */
function leadAgain(
  input: ActivationInput,
  state: InActivation<"probing-after" | "provisional">,
): ActivationPlan | undefined {
  const actions = sitesBehindSameProxy(state).flatMap(({ site }) => leadOrders(input, site));
  if (actions.length === 0) return undefined;
  const broken = brokenOrder(input);
  if (broken !== undefined && state.grant.oneWay === undefined) return undo(input, state, "switch", broken);
  return { next: state, actions, waitingOn: [`switching to ${describeParts(state.parts)} again`] };
}

/** Both accept for a moment, on the same listening sockets, so that no connection meets a closed door. */
function takeOver(
  input: ActivationInput,
  state: InActivation<"switching">,
  { unit, site }: ProxyPart,
): readonly (ActivationAction | Absent)[] {
  const successor = proxySeen(input.host, state.successors[unit]);
  if (successor === undefined) return [{ kind: "absent" }];
  const predecessors = acceptingProxies(input.host, unit).filter(({ childId }) => childId !== successor.childId);
  const slots = site === undefined ? undefined : wantedTable(input, site);
  const accept = successor.accepting ? [] : acceptOrders(successor, slots);
  const limitMs = drainMs(input);
  const drains = predecessors.map(({ childId }): ActivationAction => ({ kind: "drain", childId, limitMs }));
  // One that is down now would come back accepting, and its answers would pass for those of its successor.
  const silent = silentOf(input.host, unit).filter(({ childId }) => childId !== successor.childId);
  return [
    ...accept,
    ...drains,
    ...silent.map((one): ActivationAction | Absent => (one.isDown ? endForGood(input, one) : { kind: "absent" })),
  ];
}

export function planProbingAfter(input: ActivationInput, state: InActivation<"probing-after">): ActivationPlan {
  const lost = lostWhileLive(input);
  if (lost !== undefined) return undo(input, state, "interrupted", lost);
  const again = leadAgain(input, state);
  if (again !== undefined) return again;
  const asked = sitesAsked(input);
  const questions = asked.flatMap((duties) => [...questionsOn(duties, "listener"), ...questionsOn(duties, "edge")]);
  const verdict = judgeTally(input.facts.tally, questions);
  if (verdict.kind === "bad") return unlessOneWay(input, state, verdict.sentence);
  if (verdict.kind === "good") return toProvisional(state, []);
  if (verdict.edgeOnly && input.now >= state.edgeDeadline) return toProvisional(state, verdict.missing);
  if (input.now >= state.deadline) return unlessOneWay(input, state, verdict.missing.join(", "));
  const rounds = asked.flatMap(({ site }): readonly ProbeRoundOrder[] => [
    { site, target: { hop: "listener" } },
    { site, target: { hop: "edge" } },
  ]);
  return { next: state, actions: [{ kind: "probe", rounds }], waitingOn: verdict.missing };
}

/** Users have met it: where it is one-way it stays, and health judges it. */
function unlessOneWay(input: ActivationInput, state: InActivation<"probing-after">, sentence: string): ActivationPlan {
  const { oneWay } = state.grant;
  if (oneWay === undefined) return undo(input, state, "probes-after", sentence);
  return toProvisional(state, [`${sentence}; not taken back, because it is one-way: ${oneWay}`]);
}

function toProvisional(state: InActivation<"probing-after">, unseen: readonly string[]): ActivationPlan {
  const { grant, since, parts, notes, successors, switchedAt, switchMs } = state;
  return {
    next: { grant, since, parts, notes: [...notes, ...unseen], successors, phase: "provisional", switchedAt, switchMs },
    actions: [],
    waitingOn: [],
  };
}

export function planProvisional(input: ActivationInput, state: InActivation<"provisional">): ActivationPlan {
  const lost = lostWhileLive(input);
  if (lost !== undefined) return undo(input, state, "interrupted", lost);
  const crashing = changingSites(state).find(
    ({ site, to }) => (slotSeen(input.host, site, to)?.restarts ?? 0) >= restartsMax,
  );
  if (crashing !== undefined) {
    const sentence = `${describePart(crashing)} crashed ${restartsMax} times`;
    const { oneWay } = state.grant;
    if (oneWay === undefined) return undo(input, state, "crashed", sentence);
    return { next: state, actions: [], waitingOn: [`${sentence}; not taken back, because it is one-way: ${oneWay}`] };
  }
  return leadAgain(input, state) ?? { next: state, actions: [], waitingOn: ["waiting for the coordinator to confirm"] };
}

/** Gone slots were not stopped by us: what was provisional does not come back by itself (promise 2). */
function lostWhileLive({ state, host, facts }: ActivationInput): string | undefined {
  if (facts.cold) return `the host or its keeper restarted before ${describeParts(state.parts)} was confirmed`;
  const lost = changingSites(state).find(({ site, to }) => slotSeen(host, site, to) === undefined);
  return lost === undefined ? undefined : `${describePart(lost)} in ${lost.to} is gone`;
}

function undo(
  input: ActivationInput,
  { successors }: InActivation<"switching" | "probing-after" | "provisional">,
  failure: GrantFailure,
  sentence: string,
): ActivationPlan {
  const reason = `${sentence}; ${trafficGoesBack(input.state.parts)}`;
  return goBack(input, successors, { kind: "failed", touchedTraffic: true, failure, reason });
}
