import type {
  ActivationState,
  Grant,
  Instant,
  Intent,
  LiveUnit,
  ObservedHost,
  ProgramChange,
  ProgramUnit,
  UnitIntent,
  UnitKey,
  UnitRelease,
} from "@sluice/core";
import { createActivation, programOf } from "@sluice/core/activation/create-activation";
import { slotSeen } from "@sluice/core/activation/observed-host";
import { keeperUnit, parseUnit } from "@sluice/core/intent/intent";
import { createProgramChange, takeBackSuccessor } from "@sluice/core/programs/plan-program-change";
import { isTrial, unitOf } from "@sluice/core/programs/program-change";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { sameJson } from "@sluice/core/units/same-json";
import { after, minutes } from "@sluice/core/units/time";
import { keepServedBindings } from "../ledger/asked-duties.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { confirmCertificates, settleCertificates, withCertificates } from "../ledger/proven-certificates.ts";
import { busyUnits, changesOf, liveUnit, unsettled, unsettledChanges } from "./live-units.ts";
import { processesOf } from "./processes.ts";

/** How long the outcome of a grant is still told after the coordinator has stopped sending the grant. */
const outcomeKeptMs = minutes(60);
/** Acts on the host itself are shown for a day: the next shift sees them. */
const localActsKeptMs = minutes(24 * 60);

/**
 * What the ledger has to take in when an intent is obeyed; drifting units of which it says something new are healed again. One
 * `before` that was kept when there was no room to take it in is not what the drifts were left by.
 */
export function absorbIntent(ledger: Ledger, before: Intent | undefined, intent: Intent): Ledger {
  const { fence, generation, digest, body } = intent;
  const taken = before?.generation === ledger.memory.generation ? before : undefined;
  const drifts = Object.entries(ledger.drifts).filter(
    ([unit]) => taken !== undefined && wordOn(taken, unit) === wordOn(intent, unit),
  );
  return {
    ...ledger,
    memory: { maxFence: Math.max(fence, ledger.memory.maxFence), generation, digest },
    drifts: Object.fromEntries(drifts),
    duties: {
      ...ledger.duties,
      ...Object.fromEntries(body.sites.map((duties) => [duties.site, keepServedBindings(ledger, duties)])),
    },
  };
}

/**
 * Takes in an intent that was kept when the agent ended before it could take it in; the same ledger when there is nothing
 * to take in. An intent that only raised the fence counts too: a lower one must not be obeyed after it (promise 11).
 */
export function catchUp(ledger: Ledger, intent: Intent): Ledger {
  const { generation, maxFence } = ledger.memory;
  if (intent.generation > generation) return absorbIntent(ledger, undefined, intent);
  const isRaised = intent.generation === generation && intent.fence > maxFence;
  return isRaised ? absorbIntent(ledger, intent, intent) : ledger;
}

const wordOn = ({ body }: Intent, unit: string): string =>
  canonicalJson({
    unit: body.units.find((one) => one.unit === unit),
    grants: body.grants.filter(({ units }) => units.some((one) => one.unit === unit)),
  });

export interface SettleInput {
  readonly now: Instant;
  readonly intent: Intent | undefined;
  readonly host: ObservedHost;
  /** False while nobody but a file of unknown age says what is granted. */
  readonly obeyGrants: boolean;
}

/** Brings the ledger up to date with intent and host: proven releases learned, new grants begun, old ones forgotten. */
export function settleLedger(ledger: Ledger, input: SettleInput): Ledger {
  const steps = [
    forgetOld,
    takeBackKeepers,
    learnProven,
    learnCertificates,
    noticeStrangers,
    beginGrants,
    notePending,
    noteProcesses,
  ];
  const settled = steps.reduce((so, step) => step(so, input), ledger);
  return sameJson(settled, ledger) ? ledger : settled;
}

function forgetOld(ledger: Ledger, { now, intent }: SettleInput): Ledger {
  const held = new Set(intent?.body.grants.map(({ id }) => id));
  const isKept = ([id, state]: readonly [string, ActivationState]): boolean => {
    if (state.phase === "done") return false;
    return state.phase !== "ended" || held.has(id) || intent === undefined || now < after(state.at, outcomeKeptMs);
  };
  const isChangeKept = ([id, change]: readonly [string, ProgramChange]): boolean => {
    if (change.phase === "done") return false;
    return change.phase !== "ended" || held.has(id) || intent === undefined || now < after(change.at, outcomeKeptMs);
  };
  const activations = Object.entries(ledger.activations).filter(isKept);
  const ids = new Set([...held, ...activations.map(([id]) => id)]);
  const kept = (changes: Ledger["agentChanges"] = {}) =>
    Object.fromEntries(Object.entries(changes).filter(isChangeKept));
  return {
    ...ledger,
    activations: Object.fromEntries(activations),
    ...(ledger.agentChanges === undefined ? {} : { agentChanges: kept(ledger.agentChanges) }),
    ...(ledger.keeperChanges === undefined ? {} : { keeperChanges: kept(ledger.keeperChanges) }),
    revoked: Object.fromEntries(Object.entries(ledger.revoked).filter(([id]) => ids.has(id))),
    localActs: ledger.localActs.filter(({ at }) => now < after(at, localActsKeptMs)).slice(-10),
    previous: Object.fromEntries(Object.entries(ledger.previous).filter(([, { until }]) => now < until)),
  };
}

/** A keeper that came for a grant when that had ended already. */
function takeBackKeepers(ledger: Ledger, { host: { keeper }, now }: SettleInput): Ledger {
  const ended = keeper?.trial === undefined ? undefined : ledger.keeperChanges?.[keeper.trial];
  if (ended === undefined || ledger.proven[keeperUnit]?.digest === keeper?.digest) return ledger;
  const change = takeBackSuccessor(ended, keeper, now);
  return change === undefined ? ledger : withChange(ledger, keeperUnit, change);
}

/**
 * A release is proven here when its grant was confirmed (noted where that is decided), or when the intent says so of what
 * runs here or of a unit that nothing runs of. Otherwise the own memory counts: nothing goes live because a word changed.
 */
function learnProven(ledger: Ledger, { intent, host }: SettleInput): Ledger {
  if (intent === undefined) return ledger;
  const busy = busyUnits(ledger);
  const known = new Map(intent.body.units.map((unit) => [unit.unit as string, unit]));
  const proven = { ...ledger.proven };
  for (const unit of Object.keys(proven)) if (!known.has(unit) && !busy.has(unit as UnitKey)) delete proven[unit];
  for (const word of intent.body.units) {
    if (word.proven === undefined || busy.has(word.unit) || !isCredible(ledger, host, word)) continue;
    if (!isSameRelease(proven[word.unit], word.proven)) proven[word.unit] = word.proven;
  }
  return { ...ledger, proven };
}

/** What is known already stays the document that it is: every later look then finds without reading it that nothing has changed. */
const isSameRelease = (had: UnitRelease | undefined, told: UnitRelease): boolean =>
  had !== undefined && had.digest === told.digest && had.version === told.version;

function isCredible(ledger: Ledger, host: ObservedHost, { unit, proven }: UnitIntent): boolean {
  const live = liveUnit(host, unit);
  if (live === undefined) return ledger.proven[unit] === undefined;
  return live.digest === proven?.digest;
}

const learnCertificates = (ledger: Ledger, { host }: SettleInput): Ledger =>
  withCertificates(ledger, settleCertificates(ledger, host));

/** After a lost ledger: what runs and is not known to be proven is left as it is until the coordinator speaks of it. */
function noticeStrangers(ledger: Ledger, { intent, host, now }: SettleInput): Ledger {
  const busy = busyUnits(ledger);
  const drifts = { ...ledger.drifts };
  for (const { unit, proven } of intent?.body.units ?? []) {
    const live = liveUnit(host, unit);
    if (live === undefined || busy.has(unit) || ledger.proven[unit] !== undefined || drifts[unit] !== undefined)
      continue;
    if (proven === undefined || proven.digest === live.digest) continue;
    drifts[unit] = {
      at: now,
      sentence: `${unit} runs ${live.digest}, which nobody here knows to be proven; left as it is`,
    };
  }
  return { ...ledger, drifts };
}

function beginGrants(ledger: Ledger, input: SettleInput): Ledger {
  if (!input.obeyGrants) return ledger;
  return (input.intent?.body.grants ?? []).reduce((so, grant) => beginGrant(so, grant, input), ledger);
}

function beginGrant(ledger: Ledger, grant: Grant, input: SettleInput): Ledger {
  const { now, intent, host } = input;
  if (isBegun(ledger, grant) || ledger.revoked[grant.id] !== undefined) return ledger;
  if (whyNotYet(ledger, grant, host) !== undefined) return ledger;
  const program = programOf(grant);
  if (program !== undefined) return beginProgramChange(ledger, program, grant, input);
  const releases = knownReleases(ledger, intent);
  const live = grant.units.flatMap(({ unit }) => {
    const found = liveUnit(host, unit);
    const known =
      found === undefined || releases[found.digest] !== undefined ? found : provenInstead(ledger, unit, found);
    return known === undefined ? [] : [[unit, known] as const];
  });
  const before = Object.entries(ledger.certificates ?? {}).flatMap(([unit, known]) =>
    known.before === undefined ? [] : [[unit, known.before] as const],
  );
  const facts = { live: Object.fromEntries(live), before: Object.fromEntries(before) };
  const state = createActivation({ now, grant, releases, ...facts });
  const drifts = Object.entries(ledger.drifts).filter(([unit]) => !grant.units.some((one) => one.unit === unit));
  return {
    ...ledger,
    activations: { ...ledger.activations, [grant.id]: state },
    drifts: Object.fromEntries(drifts),
  };
}

function beginProgramChange(ledger: Ledger, unit: ProgramUnit, grant: Grant, { now, intent }: SettleInput): Ledger {
  const change = createProgramChange(unit, grant, knownReleases(ledger, intent), now);
  const { [unit]: _, ...drifts } = ledger.drifts;
  return withChange({ ...ledger, drifts }, unit, change);
}

function withChange(ledger: Ledger, unit: ProgramUnit, change: ProgramChange): Ledger {
  const key = `${unit}Changes` as const;
  return { ...ledger, [key]: { ...ledger[key], [change.grant.id]: change } };
}

/** Whether the ledger knows how far a grant has come. */
export const isBegun = (ledger: Ledger, { id }: Pick<Grant, "id">): boolean =>
  ledger.activations[id] !== undefined || changesOf(ledger)[id] !== undefined;

/** What runs is unknown, so going back means going to the proven release. */
function provenInstead(ledger: Ledger, unit: UnitKey, found: LiveUnit): LiveUnit | undefined {
  const digest = ledger.proven[unit]?.digest;
  return digest === undefined ? found : { ...found, digest };
}

/** Why a grant is not begun yet; undefined when nothing is in its way. */
export function whyNotYet(ledger: Ledger, grant: Grant, host: ObservedHost): string | undefined {
  const program = programOf(grant);
  const mute = program === undefined || host[program] !== undefined ? undefined : whyMute[program];
  const other = mute ?? whyAfterOthers(ledger, program);
  if (other !== undefined) return other;
  const busy = busyUnits(ledger);
  const taken = grant.units.find(({ unit }) => busy.has(unit));
  if (taken !== undefined) return `waiting until an earlier activation of ${taken.unit} has ended`;
  const down = grant.units.find(({ unit }) => ledger.proven[unit] !== undefined && isDown(host, unit));
  return down === undefined ? undefined : `waiting until the proven release of ${down.unit} runs`;
}

const whyMute: Readonly<Record<ProgramUnit, string>> = {
  agent: "this agent was started without its watchdog, so that nobody could start another one in its place",
  keeper: "the keeper here does not say which version it is, so that nobody could tell what it would go back to",
};

/** Programs change one after the other, and nothing else moves while a keeper hands over: so it is known whose doing a fault is. */
function whyAfterOthers(ledger: Ledger, program: ProgramUnit | undefined): string | undefined {
  const changing = unsettledChanges(ledger).find(({ phase }) => program !== undefined || phase !== "provisional");
  const isFirst = changing === undefined || unitOf(changing) === program;
  if (!isFirst && (program !== undefined || isHandingOver(changing))) {
    return `waiting until the change of the ${unitOf(changing)} has ended`;
  }
  const isMoving = program === keeperUnit && unsettled(ledger).some(({ phase }) => phase !== "provisional");
  return isMoving ? "waiting until nothing else is being activated here" : undefined;
}

const isHandingOver = (change: ProgramChange): boolean =>
  unitOf(change) === keeperUnit && (isTrial(change) || change.phase === "handing-back");

function isDown(host: ObservedHost, unit: UnitKey): boolean {
  const parsed = parseUnit(unit);
  if (parsed.kind !== "site") return liveUnit(host, unit) === undefined;
  return slotSeen(host, parsed.site, "blue") === undefined && slotSeen(host, parsed.site, "green") === undefined;
}

function notePending(ledger: Ledger, { intent, host, now }: SettleInput): Ledger {
  const pending = (intent?.body.units ?? []).flatMap(({ unit, desired }) => {
    if (desired === undefined || desired === liveUnit(host, unit)?.digest) return [];
    return [[unit, ledger.pendingSince[unit] ?? now] as const];
  });
  return { ...ledger, pendingSince: intent === undefined ? ledger.pendingSince : Object.fromEntries(pending) };
}

const noteProcesses = (ledger: Ledger, { host }: SettleInput): Ledger => ({ ...ledger, processes: processesOf(host) });

/** Takes in what a step of a change of a program decided; a confirmed one makes its program the proven one. */
export function recordChange(ledger: Ledger, next: ProgramChange): Ledger {
  const unit = unitOf(next);
  const noted = withChange(ledger, unit, next);
  return next.phase === "done" ? { ...noted, proven: { ...ledger.proven, [unit]: next.release } } : noted;
}

/** Takes in what a step of an activation decided; a confirmed one makes its releases the proven ones. */
export function recordStep(ledger: Ledger, next: ActivationState, now: Instant): Ledger {
  const activations = { ...ledger.activations, [next.grant.id]: next };
  if (next.phase !== "draining") return { ...ledger, activations };
  const proven = { ...ledger.proven };
  const previous = { ...ledger.previous };
  for (const part of next.parts) {
    proven[part.unit] = part.release;
    if (part.kind !== "site" || part.from === undefined || part.from.release.digest === part.release.digest) continue;
    const keptMs = ledger.duties[part.site]?.keepPreviousMs;
    if (keptMs !== undefined) previous[part.site] = { release: part.from.release, until: after(now, keptMs) };
  }
  const certificates = confirmCertificates(ledger.certificates ?? {}, next.parts);
  return withCertificates({ ...ledger, activations, proven, previous }, certificates);
}
