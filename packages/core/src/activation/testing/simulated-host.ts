import type { SiteDuties } from "../../intent/intent.ts";
import type { ProbeResult } from "../../probing/probe-result.ts";
import type { CertificateSet } from "../../proxying/certificate.ts";
import type { SlotTable } from "../../proxying/proxy-settings.ts";
import { after, durationMs, type Instant } from "../../units/time.ts";
import {
  type ActivationAction,
  type ActivationFacts,
  type ActivationState,
  type GrantWord,
  type ProbeRoundOrder,
  readyKey,
} from "../activation.ts";
import type { ObservedHost, ProxySeen, SilentProxy, SlotSeen } from "../observed-host.ts";
import { planActivation } from "../plan-activation.ts";
import { questionsOn, tallyRound } from "../probe-tally.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A host in memory that obeys orders, unless told to fail them; what its probes answer follows from what is live. */
export interface SimulatedHost {
  now: Instant;
  state: ActivationState;
  word: GrantWord;
  unconfirmed: "revert" | "keep";
  facts: ActivationFacts;
  readonly duties: Record<string, SiteDuties>;
  readonly installed: Set<string>;
  slots: Writable<SlotSeen>[];
  proxies: Writable<ProxySeen>[];
  /** Proxies that say nothing: down and about to be started again, or slow. */
  silent: SilentProxy[];
  /** What lies in the files of certificates; absent: no proxy presents any. */
  files?: CertificateSet;
  /** Every action carried out, by kind. */
  readonly acted: string[];
  /** Live release digests that users met, in order. */
  readonly served: string[];
  /** Actions that fail, by kind: sentence and whether trying again helps. */
  readonly failing: Map<string, { readonly sentence: string; readonly retryHelps: boolean }>;
  /** How a question is answered instead of well. */
  answer: (order: ProbeRoundOrder, release: string | undefined) => ProbeResult["outcome"];
}

export const noFacts: ActivationFacts = { failures: [], ready: [], started: [], tally: {}, cold: false };

export const seenHost = (world: SimulatedHost): ObservedHost =>
  JSON.parse(
    JSON.stringify({
      installed: [...world.installed],
      slots: world.slots,
      proxies: world.proxies,
      silent: world.silent,
    }),
  );

/** Plans once and obeys: what an agent does in one pass. A second of time goes by when nothing was left to decide. */
export function pass(world: SimulatedHost): void {
  const { now, state, word, unconfirmed, duties, facts } = world;
  const plan = planActivation({ now, state, word, unconfirmed, duties, host: seenHost(world), facts });
  if (plan.next.phase !== state.phase) world.facts = noFacts;
  world.state = JSON.parse(JSON.stringify(plan.next));
  for (const action of plan.actions) if (!carryOut(world, action)) break;
  world.proxies = world.proxies.filter((seen) => !seen.draining || seen.open.blue + seen.open.green > 0);
  if (plan.next.phase === state.phase) world.now = after(now, durationMs(1000));
}

/** Passes until the activation is in one of `phases`. */
export function runUntil(world: SimulatedHost, ...phases: readonly ActivationState["phase"][]): void {
  for (let count = 0; count < 5000; count += 1) {
    if (phases.includes(world.state.phase)) return;
    pass(world);
  }
  throw new Error(`still ${world.state.phase} after 5000 passes, wanted ${phases.join(" or ")}`);
}

/** What users of the site meet at this moment. */
export function liveRelease(world: SimulatedHost, site: string): string | undefined {
  const proxy = world.proxies.findLast((seen) => seen.unit === `proxy:${site}` && seen.accepting && !seen.draining);
  const live = proxy?.slots.live;
  return live === undefined || live === "hold" ? undefined : slotOf(world, site, live)?.digest;
}

const slotOf = (world: SimulatedHost, site: string, slot: "blue" | "green") =>
  world.slots.find((seen) => seen.site === site && seen.slot === slot);

/** False when the order failed; those after it are then left for the next pass. */
function carryOut(world: SimulatedHost, action: ActivationAction): boolean {
  const failure = world.failing.get(action.kind);
  if (failure !== undefined) {
    world.facts = { ...world.facts, failures: [...world.facts.failures, { action: action.kind, ...failure }] };
    return false;
  }
  world.acted.push(action.kind);
  obey(world, action);
  const live = liveRelease(world, "shop");
  if (live !== undefined && world.served.at(-1) !== live) world.served.push(live);
  return true;
}

function obey(world: SimulatedHost, action: ActivationAction): void {
  switch (action.kind) {
    case "ensure-installed":
      world.installed.add(action.release.digest);
      return;
    case "start-slot":
      world.slots = world.slots.filter((seen) => seen.site !== action.site || seen.slot !== action.slot);
      world.slots.push(
        runningSlot(action.site, action.slot, action.release.digest, action.release.version, world.acted.length),
      );
      return;
    case "await-ready": {
      const seen = slotOf(world, action.site, action.slot);
      if (seen !== undefined) world.facts = { ...world.facts, ready: [...world.facts.ready, readyKey(seen)] };
      return;
    }
    case "start-successor": {
      const childId = `${action.unit}-${world.acted.length}`;
      world.proxies.push({
        ...runningProxy(action.unit, childId, action.release.digest, action.slots),
        accepting: false,
        ...(world.files === undefined ? {} : { certificates: action.certificates ?? world.files }),
      });
      world.facts = { ...world.facts, started: [...world.facts.started, childId] };
      return;
    }
    case "probe":
      world.facts = {
        ...world.facts,
        tally: tallyRound(
          world.facts.tally,
          action.rounds.flatMap((order) => ask(world, order)),
        ),
      };
      return;
    default:
      obeyRunning(world, action);
  }
}

function obeyRunning(world: SimulatedHost, action: ActivationAction): void {
  if (action.kind === "stop-slot") {
    world.slots = world.slots.filter((seen) => seen.site !== action.site || seen.slot !== action.slot);
    return;
  }
  if (!("childId" in action)) return;
  const proxy = world.proxies.find((seen) => seen.childId === action.childId);
  if (action.kind === "remove-proxy") {
    world.proxies = world.proxies.filter((seen) => seen !== proxy);
    world.silent = world.silent.filter(({ childId }) => childId !== action.childId);
  }
  if (proxy === undefined) return;
  if (action.kind === "put-slots") proxy.slots = action.slots;
  if (action.kind === "accept") proxy.accepting = true;
  if (action.kind === "drain") proxy.draining = true;
}

function ask(world: SimulatedHost, order: ProbeRoundOrder): readonly ProbeResult[] {
  const duties = world.duties[order.site];
  if (duties === undefined) return [];
  const release = order.target.hop === "slot" ? order.target.target.release : liveRelease(world, order.site);
  const outcome = world.answer(order, release);
  return questionsOn(duties, order.target.hop).map((question) => ({
    ...question,
    host: "web-1",
    at: world.now,
    tookMs: 1,
    outcome,
    ...(release === undefined ? {} : { release }),
  }));
}

export function runningSlot(site: string, slot: "blue" | "green", digest: string, version: string, pid = 1): SlotSeen {
  const port = slot === "blue" ? 4001 : 4002;
  const target = { host: "127.0.0.1", port, release: digest };
  return { site, slot, digest, version, target, pid, startedAtMs: 0, alive: true, restarts: 0 };
}

export function runningProxy(unit: ProxySeen["unit"], childId: string, digest: string, slots: SlotTable): ProxySeen {
  return {
    unit,
    childId,
    digest,
    build: "1",
    pid: 7,
    startedAtMs: 0,
    accepting: true,
    draining: false,
    slots,
    open: { blue: 0, green: 0 },
    remarks: [],
  };
}
