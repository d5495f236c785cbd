import { after, durationMs } from "../units/time.ts";
import type {
  ActivationAction,
  ActivationEnd,
  ActivationInput,
  ActivationPlan,
  InActivation,
  ProxyPart,
  SitePart,
} from "./activation.ts";
import { changingProxies, changingSites, drainMs, sitesBehindSameProxy, tableBefore } from "./activation-parts.ts";
import { describeParts } from "./activation-words.ts";
import {
  isSuch,
  leadsAs,
  type ObservedHost,
  openOn,
  type ProxySeen,
  proxiesOf,
  proxySeen,
  silentOf,
  slotSeen,
} from "./observed-host.ts";

/** How long a process that holds no user may take to end by itself. */
const graceMs = 5_000;

/** Ends an activation that has touched nothing. */
export function stopBefore({ state, now }: ActivationInput, end: ActivationEnd): ActivationPlan {
  const { grant, since, parts, notes } = state;
  return {
    next: { grant, since, parts, notes, phase: "clearing", successors: {}, deadline: now, end },
    actions: [],
    waitingOn: [],
  };
}

/** Ends an activation that users may have met. */
export function goBack(
  { state, now }: ActivationInput,
  successors: Readonly<Record<string, string>>,
  end: ActivationEnd,
): ActivationPlan {
  const { grant, since, parts, notes } = state;
  return {
    next: { grant, since, parts, notes, phase: "restoring", successors, startedAt: now, end },
    actions: [],
    waitingOn: [],
  };
}

/** Repeated until what was live before is live again; there is nothing better to do, so it never gives up. */
export function planRestoring(input: ActivationInput, state: InActivation<"restoring">): ActivationPlan {
  const actions = restoringOrders(input, state);
  if (actions.length > 0) {
    const last = input.facts.failures.at(-1);
    const why = last === undefined ? "" : `; trying again after: ${last.sentence}`;
    return { next: state, actions, waitingOn: [`going back from ${describeParts(state.parts)}${why}`] };
  }
  const { grant, since, parts, notes, successors, end } = state;
  const deadline = after(input.now, durationMs(drainMs(input)));
  return {
    next: { grant, since, parts, notes, phase: "clearing", successors, end, deadline },
    actions: [],
    waitingOn: [],
  };
}

/** Slots first, then the proxies that lead to them, then the front. */
function restoringOrders(input: ActivationInput, state: InActivation<"restoring">): readonly ActivationAction[] {
  const slots = changingSites(state).flatMap((part) => startBefore(input.host, part));
  if (slots.length > 0) return slots;
  const tables = sitesBehindSameProxy(state).flatMap((part) => putBack(input, part));
  const proxies = changingProxies(state).flatMap((part) => takeBack(input, part, state.successors[part.unit]));
  return [...tables, ...proxies];
}

function startBefore(host: ObservedHost, { site, from }: SitePart): readonly ActivationAction[] {
  if (from === undefined || slotSeen(host, site, from.slot)?.digest === from.release.digest) return [];
  return [{ kind: "start-slot", site, slot: from.slot, release: from.release }];
}

/** Also in a process that is on its way to the sockets for another grant, which was told of the slots when it was started. */
function putBack(input: ActivationInput, { site, to }: SitePart): readonly ActivationAction[] {
  const slots = tableBefore(input, site);
  return proxiesOf(input.host, `proxy:${site}`)
    .filter((seen) => !seen.draining && (seen.accepting ? seen.slots.live !== slots.live : seen.slots.live === to))
    .map(({ childId }) => ({ kind: "put-slots", childId, slots }));
}

/** A predecessor that drains can't take its users back: the release it ran gets a process of its own. */
function takeBack(input: ActivationInput, part: ProxyPart, successor: string | undefined): readonly ActivationAction[] {
  const { unit, site, from, fromCertificates } = part;
  const dismiss = dismissSuccessor(input, part, successor);
  if (from === undefined) return dismiss;
  const others = proxiesOf(input.host, unit).filter((seen) => seen.childId !== successor && !seen.draining);
  const good = others.filter((seen) => isSuch(seen, from.digest, fromCertificates));
  const slots = site === undefined ? ({ live: "hold" } as const) : tableBefore(input, site);
  if (good.some(({ accepting }) => accepting)) {
    const wrong = good.filter((seen) => seen.accepting && site !== undefined && seen.slots.live !== slots.live);
    return [...wrong.map(({ childId }): ActivationAction => ({ kind: "put-slots", childId, slots })), ...dismiss];
  }
  const [waiting] = good;
  if (waiting !== undefined) {
    // The site's own activation may have gone back since this one was started: its copy may be gone.
    if (site !== undefined && !leadsAs(waiting, slots)) return [{ kind: "put-slots", childId: waiting.childId, slots }];
    return [{ kind: "accept", childId: waiting.childId }];
  }
  const certificates = fromCertificates === undefined ? {} : { certificates: fromCertificates };
  return [{ kind: "start-successor", unit, release: from, slots, routesBeforeAccept: {}, ...certificates }];
}

/** One that says nothing may come back and take users to what is being ended: it is ended as well. */
function dismissSuccessor(
  input: ActivationInput,
  { unit }: ProxyPart,
  successor: string | undefined,
): readonly ActivationAction[] {
  const bad = proxySeen(input.host, successor);
  if (bad !== undefined) return bad.draining ? [] : dismissOrder(input, bad);
  const silent = silentOf(input.host, unit).find(({ childId }) => childId === successor);
  if (silent === undefined) return [];
  return [
    silent.isDown ? endForGood(input, silent) : { kind: "drain", childId: silent.childId, limitMs: drainMs(input) },
  ];
}

function dismissOrder(input: ActivationInput, { childId, accepting }: ProxySeen): readonly ActivationAction[] {
  if (!accepting) return [{ kind: "remove-proxy", childId, graceMs }];
  return [{ kind: "drain", childId, limitMs: drainMs(input) }];
}

/**
 * Ends the processes of a grant that is not live; whoever still uses them is waited for until the deadline. What is live again
 * is taken back again.
 */
export function planClearing(input: ActivationInput, state: InActivation<"clearing">): ActivationPlan {
  const { host } = input;
  if (sitesBehindSameProxy(state).some(({ site, to }) => isLedTo(host, site, to))) {
    const { grant, since, parts, notes, successors, end } = state;
    const next = { grant, since, parts, notes, phase: "restoring", successors, startedAt: input.now, end } as const;
    return planRestoring(input, next);
  }
  const slots = changingSites(state).filter(
    ({ site, to }) => slotSeen(host, site, to) !== undefined && !isLedTo(host, site, to),
  );
  const proxies = changingProxies(state).flatMap((part) => leftovers(host, part, state.successors[part.unit]));
  const silent = changingProxies(state).flatMap(({ unit }) =>
    silentOf(host, unit).filter(({ childId }) => childId === state.successors[unit]),
  );
  if (slots.length === 0 && proxies.length === 0 && silent.length === 0) {
    const { grant, since, parts, notes, end } = state;
    return { next: { grant, since, parts, notes, phase: "ended", at: input.now, end }, actions: [], waitingOn: [] };
  }
  const late = input.now >= state.deadline;
  const actions = [
    ...proxies.filter((seen) => late || !(seen.accepting || seen.draining)).map(removal),
    ...silent.filter(({ isDown }) => late || isDown).map((one) => endForGood(input, one)),
    ...slots
      .filter(({ site, to }) => late || isUnused(host, site, to))
      .map(({ site, to }): ActivationAction => ({ kind: "stop-slot", site, slot: to, graceMs })),
  ];
  return { next: state, actions, waitingOn: [`ending what is left of ${describeParts(state.parts)}`] };
}

/** The process that took over and is taken back, and successors that never took over. */
function leftovers(
  host: ObservedHost,
  { unit, release, from }: ProxyPart,
  successor: string | undefined,
): readonly ProxySeen[] {
  return proxiesOf(host, unit).filter(
    (seen) =>
      seen.childId === successor ||
      (!seen.accepting && !seen.draining && (seen.digest === release.digest || seen.digest === from?.digest)),
  );
}

/** Users come there, or will as soon as a proxy accepts that waits for it. */
const isLedTo = (host: ObservedHost, site: string, slot: "blue" | "green"): boolean =>
  proxiesOf(host, `proxy:${site}`).some(({ draining, slots }) => !draining && slots.live === slot);

/** Never started again; should it be back by now it drains, as every proxy does that is asked to end. */
export const endForGood = (input: ActivationInput, { childId }: { readonly childId: string }): ActivationAction => ({
  kind: "remove-proxy",
  childId,
  graceMs: drainMs(input) + graceMs,
});

/** Nobody is on it, and nobody who could lead users there is out of sight. */
const isUnused = (host: ObservedHost, site: string, slot: "blue" | "green"): boolean =>
  openOn(host, site, slot) === 0 && silentOf(host, `proxy:${site}`).length === 0;

const removal = ({ childId }: { readonly childId: string }): ActivationAction => ({
  kind: "remove-proxy",
  childId,
  graceMs,
});

/** Confirmed: what was live before is stopped once nobody uses it any more, at the latest at the deadline. */
export function planDraining(input: ActivationInput, state: InActivation<"draining">): ActivationPlan {
  const { host } = input;
  const late = input.now >= state.deadline;
  const slots = changingSites(state).flatMap(({ site, from }) =>
    from === undefined || slotSeen(host, site, from.slot) === undefined || isLedTo(host, site, from.slot)
      ? []
      : [{ site, slot: from.slot }],
  );
  const proxies = changingProxies(state).flatMap(({ unit }) =>
    proxiesOf(host, unit).filter(({ childId }) => childId !== state.successors[unit]),
  );
  const silent = changingProxies(state).flatMap(({ unit }) =>
    silentOf(host, unit).filter(({ childId }) => childId !== state.successors[unit]),
  );
  if (slots.length === 0 && proxies.length === 0 && silent.length === 0) {
    const { grant, since, parts, notes } = state;
    return { next: { grant, since, parts, notes, phase: "done", at: input.now }, actions: [], waitingOn: [] };
  }
  const unused = slots.filter(({ site, slot }) => late || isUnused(host, site, slot));
  return {
    next: state,
    actions: [
      ...proxies.flatMap((seen) => letGo(input, seen, late)),
      ...silent.filter(({ isDown }) => late || isDown).map((one) => endForGood(input, one)),
      ...unused.map(({ site, slot }): ActivationAction => ({ kind: "stop-slot", site, slot, graceMs })),
    ],
    waitingOn: ["waiting until nobody uses what was live before"],
  };
}

function letGo(input: ActivationInput, seen: ProxySeen, late: boolean): readonly ActivationAction[] {
  if (late || !seen.accepting) return seen.draining && !late ? [] : [removal(seen)];
  return seen.draining ? [] : [{ kind: "drain", childId: seen.childId, limitMs: drainMs(input) }];
}
