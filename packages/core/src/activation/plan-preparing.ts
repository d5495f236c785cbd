import type { GrantFailure } from "../host/observation.ts";
import type { SiteDuties, SiteReleaseContent } from "../intent/intent.ts";
import { after, durationMs, seconds } from "../units/time.ts";
import {
  type Absent,
  type ActivationAction,
  type ActivationInput,
  type ActivationPart,
  type ActivationPlan,
  type InActivation,
  isOrder,
  type ProbeRoundOrder,
  type ProxyPart,
  readyKey,
} from "./activation.ts";
import { changingProxies, changingSites, sitesAsked, sitesComingUp, wantedTable } from "./activation-parts.ts";
import { describePart, trafficStays } from "./activation-words.ts";
import { sameTable, slotSeen, slowOf, waitingProxy } from "./observed-host.ts";
import { stopBefore } from "./plan-ending.ts";
import { judgeTally, questionsOn } from "./probe-tally.ts";

/** Starting a process takes moments; half a minute covers a machine that is short of everything. */
const startWithinMs = seconds(60);
/** Room for a slow first answer and for three failures in a row of the slowest probe. */
const probeWithinMs = seconds(90);
/** Tries of an order that can be repeated before it counts as failed. */
const triesMax = 3;

export function planInstalling(input: ActivationInput, state: InActivation<"installing">): ActivationPlan {
  const unprobed = state.parts.find(({ site }) => site !== undefined && !isAsked(input.duties[site]));
  if (unprobed !== undefined) return refuse(input, "install", `the intent does not say how to probe ${unprobed.unit}`);
  const missing = state.parts.filter(({ release }) => !input.host.installed.includes(release.digest));
  if (missing.length === 0) {
    return go({ ...state, phase: "starting", deadline: after(input.now, startWithinMs) });
  }
  const failure = input.facts.failures.find(({ retryHelps }) => !retryHelps);
  if (failure !== undefined) return refuse(input, "install", failure.sentence);
  if (input.now >= state.deadline) {
    return refuse(input, "install", input.facts.failures.at(-1)?.sentence ?? "its files did not arrive in time");
  }
  return {
    next: state,
    actions: missing.map(({ release }) => ({ kind: "ensure-installed", release })),
    waitingOn: [`installing ${missing.map(describePart).join(", ")}${because(input)}`],
  };
}

/** Nobody ever answers badly where nothing is asked: that would pass for good. */
const isAsked = (duties: SiteDuties | undefined): boolean =>
  duties !== undefined && duties.bindings.length > 0 && duties.probes.length > 0;

export function planStarting(input: ActivationInput, state: InActivation<"starting">): ActivationPlan {
  const parts = changingSites(state);
  const missing = parts.filter(({ site, to, release }) => slotSeen(input.host, site, to)?.digest !== release.digest);
  if (missing.length === 0) {
    const within = parts.map(({ release }) => (release.content as SiteReleaseContent).ready.withinMs);
    return go({ ...state, phase: "awaiting-ready", deadline: after(input.now, durationMs(Math.max(0, ...within))) });
  }
  const broken = brokenOrder(input);
  if (broken !== undefined) return refuse(input, "start", broken);
  if (input.now >= state.deadline) return refuse(input, "start", "it did not start in time");
  return {
    next: state,
    actions: missing.map(({ site, to, release }) => ({ kind: "start-slot", site, slot: to, release })),
    waitingOn: missing.map((part) => `starting ${describePart(part)} in ${part.to}${because(input)}`),
  };
}

export function planAwaitingReady(input: ActivationInput, state: InActivation<"awaiting-ready">): ActivationPlan {
  const lost = lostSlots(input);
  if (lost !== undefined) return refuse(input, "interrupted", lost);
  const waiting = changingSites(state).filter(({ site, to }) => {
    const seen = slotSeen(input.host, site, to);
    return seen === undefined || !input.facts.ready.includes(readyKey(seen));
  });
  if (waiting.length === 0) {
    return go({ ...state, phase: "starting-successors", deadline: after(input.now, startWithinMs) });
  }
  const failure = input.facts.failures.at(-1);
  if (failure !== undefined) return refuse(input, "ready", failure.sentence);
  if (input.now >= state.deadline) {
    return refuse(input, "ready", `${waiting.map(describePart).join(", ")} did not answer its readiness path in time`);
  }
  return {
    next: state,
    actions: waiting.map(({ site, to, release }) => ({ kind: "await-ready", site, slot: to, release })),
    waitingOn: waiting.map((part) => `waiting until ${describePart(part)} in ${part.to} answers its readiness path`),
  };
}

export function planStartingSuccessors(
  input: ActivationInput,
  state: InActivation<"starting-successors">,
): ActivationPlan {
  const lost = lostSlots(input);
  if (lost !== undefined) return refuse(input, "interrupted", lost);
  const actions = successorOrders(input);
  if (actions.length === 0) return probeOrSkip(input, state);
  const broken = brokenOrder(input);
  if (broken !== undefined) return refuse(input, "start", broken);
  if (input.now >= state.deadline) return refuse(input, "start", "its successor did not start in time");
  return { next: state, actions: actions.filter(isOrder), waitingOn: [`starting successors${because(input)}`] };
}

function probeOrSkip(input: ActivationInput, state: InActivation<"starting-successors">): ActivationPlan {
  const { probesBefore } = state.grant;
  if (probesBefore.kind === "required") {
    return go({ ...state, phase: "probing-before", deadline: after(input.now, probeWithinMs) });
  }
  const note = `not probed before the switch, by order of ${probesBefore.by}: ${probesBefore.reason}`;
  return toSwitching(input, { ...state, notes: [...state.notes, note] });
}

export function planProbingBefore(input: ActivationInput, state: InActivation<"probing-before">): ActivationPlan {
  const lost = lostSlots(input);
  if (lost !== undefined) return refuse(input, "interrupted", lost);
  const unseen = changingProxies(state).filter((part) => successorOf(input, part) === undefined);
  if (unseen.length > 0) return awaitSuccessors(input, state, unseen);
  const comingUp = sitesComingUp(input);
  if (comingUp.length > 0) return awaitSites(input, state, comingUp);
  const rounds = roundsBefore(input);
  const questions = rounds.flatMap(({ site, target }) => {
    const duties = input.duties[site];
    return duties === undefined ? [] : questionsOn(duties, target.hop);
  });
  const verdict = judgeTally(input.facts.tally, questions);
  switch (verdict.kind) {
    case "good":
      return toSwitching(input, state);
    case "bad":
      return refuse(input, "probes-before", verdict.sentence);
    case "open":
      if (input.now >= state.deadline) return refuse(input, "probes-before", verdict.missing.join(", "));
      return { next: state, actions: [{ kind: "probe", rounds }], waitingOn: verdict.missing };
  }
}

/** Whoever answers late is not gone; one that has ended would come back as something that nobody has asked yet. */
function awaitSuccessors(
  input: ActivationInput,
  state: InActivation<"probing-before">,
  unseen: readonly ProxyPart[],
): ActivationPlan {
  const words = unseen.map(describePart).join(", ");
  if (unseen.some(({ unit }) => slowOf(input.host, unit).length === 0)) {
    return refuse(input, "interrupted", `the successor for ${words} is gone`);
  }
  if (input.now >= state.deadline) {
    return refuse(input, "probes-before", `the successor for ${words} runs and does not say how it is`);
  }
  return { next: state, actions: [], waitingOn: [`waiting until the successor for ${words} says how it is`] };
}

/** A front that was asked for none of the sites behind it would be switched unseen. */
function awaitSites(
  input: ActivationInput,
  state: InActivation<"probing-before">,
  sites: readonly string[],
): ActivationPlan {
  const words = `the proxy of ${sites.join(", ")} leads to a copy`;
  if (input.now >= state.deadline)
    return refuse(input, "probes-before", `no probe came through the front: it has to wait until ${words}`);
  return { next: state, actions: [], waitingOn: [`waiting until ${words}`] };
}

function toSwitching(
  input: ActivationInput,
  state: InActivation<"probing-before" | "starting-successors">,
): ActivationPlan {
  const successors = changingProxies(state).flatMap((part) => {
    const seen = successorOf(input, part);
    return seen === undefined ? [] : [[part.unit, seen.childId] as const];
  });
  return go({
    ...state,
    parts: state.parts.map((part) => withCertificates(input, part)),
    phase: "switching",
    startedAt: input.now,
    deadline: after(input.now, startWithinMs),
    successors: Object.fromEntries(successors),
  });
}

/** What takes over presents what it was started with, whatever lies in the files from now on. */
function withCertificates(input: ActivationInput, part: ActivationPart): ActivationPart {
  if (part.kind === "site" || part.unchanged) return part;
  const certificates = successorOf(input, part)?.certificates;
  return certificates === undefined ? part : { ...part, startedWith: certificates };
}

/** Starts what is missing, proxies first; the front only once it can be told where they are. */
function successorOrders(input: ActivationInput): readonly (ActivationAction | Absent)[] {
  const proxies = changingProxies(input.state);
  const orders = proxies.filter(({ kind }) => kind === "proxy").flatMap((part) => successorOrder(input, part, {}));
  if (orders.length > 0) return orders;
  const routes = proxies.flatMap((part) => {
    const seen = successorOf(input, part);
    return seen === undefined || part.site === undefined ? [] : [[part.site, seen.childId] as const];
  });
  const front = proxies.filter(({ kind }) => kind === "front");
  return front.flatMap((part) => successorOrder(input, part, Object.fromEntries(routes)));
}

function successorOrder(
  input: ActivationInput,
  part: ProxyPart,
  routesBeforeAccept: Readonly<Record<string, string>>,
): readonly (ActivationAction | Absent)[] {
  const { unit, site, release, startWith } = part;
  const slots = site === undefined ? ({ live: "hold" } as const) : wantedTable(input, site);
  const seen = successorOf(input, part);
  if (seen === undefined && isStarted(input, part)) return [{ kind: "absent" }];
  if (seen === undefined) {
    const certificates = startWith === undefined ? {} : { certificates: startWith };
    return [{ kind: "start-successor", unit, release, slots, routesBeforeAccept, ...certificates }];
  }
  if (site === undefined || sameTable(seen.slots, slots)) return [];
  return [{ kind: "put-slots", childId: seen.childId, slots }];
}

const successorOf = ({ host }: ActivationInput, { unit, release, startWith }: ProxyPart) =>
  waitingProxy(host, unit, release.digest, startWith);

/** A process that was started for this part and only does not say how it is; a predecessor that hangs is none. */
const isStarted = ({ host, facts }: ActivationInput, { unit }: ProxyPart): boolean =>
  slowOf(host, unit).some(({ childId }) => facts.started.includes(childId));

/** Everything new, asked as users will ask it. */
function roundsBefore(input: ActivationInput): readonly ProbeRoundOrder[] {
  const { state, host } = input;
  const slots = changingSites(state).flatMap(({ site, to }): readonly ProbeRoundOrder[] => {
    const seen = slotSeen(host, site, to);
    return seen === undefined ? [] : [{ site, target: { hop: "slot", target: seen.target } }];
  });
  const hops = changingProxies(state).flatMap((part): readonly ProbeRoundOrder[] => {
    const childId = successorOf(input, part)?.childId;
    if (childId === undefined) return [];
    if (part.kind === "proxy") return [{ site: part.site ?? "", target: { hop: "proxy", childId } }];
    const behind = sitesAsked(input).filter(({ bindings }) => bindings.some(({ shared }) => shared));
    return behind.map(({ site }) => ({ site, target: { hop: "front", childId } }));
  });
  return [...slots, ...hops];
}

/** A slot that was started and is not there any more: host or keeper restarted in between. */
function lostSlots({ state, host, facts }: ActivationInput): string | undefined {
  const lost = changingSites(state).find(({ site, to }) => slotSeen(host, site, to) === undefined);
  if (facts.cold) return "the host or its keeper restarted while it was being prepared";
  return lost === undefined ? undefined : `${describePart(lost)} in ${lost.to} is gone`;
}

/** The sentence of an order that can't succeed, or did not in three tries. */
export function brokenOrder({ facts }: ActivationInput): string | undefined {
  const hopeless = facts.failures.find(({ retryHelps }) => !retryHelps);
  if (hopeless !== undefined) return hopeless.sentence;
  return facts.failures.length >= triesMax ? facts.failures.at(-1)?.sentence : undefined;
}

const because = ({ facts }: ActivationInput): string => {
  const last = facts.failures.at(-1);
  return last === undefined ? "" : `; trying again after: ${last.sentence}`;
};

function refuse(input: ActivationInput, failure: GrantFailure, sentence: string): ActivationPlan {
  const reason = `${sentence}; ${trafficStays(input.state.parts)}`;
  return stopBefore(input, { kind: "failed", touchedTraffic: false, failure, reason });
}

/** A change of phase; its orders are derived from the new phase. */
const go = (next: ActivationPlan["next"]): ActivationPlan => ({ next, actions: [], waitingOn: [] });
