import { agentUnit, keeperUnit, type OperatorVerb, Problem, phasesAllowing } from "@sluice/core";
import { includesRole, overriderRole } from "@sluice/protocol";
import type {
  ApplyResponse,
  OperatorServiceServer,
  PlanResponse,
  Release,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock } from "@sluice/runtime";
import type { Bell } from "../bell.ts";
import type { EvidenceBook } from "../evidence/evidence-book.ts";
import type { TrafficBook } from "../evidence/traffic-book.ts";
import type { Applied, ApplyDesk } from "../fleet/apply-desk.ts";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { OrderDesk } from "../gates/order-desk.ts";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { Sessions } from "../hosts/sessions.ts";
import type { AlertDesk } from "../notifications/alert-desk.ts";
import type { RebootDesk } from "../reboots/reboot-desk.ts";
import type { AgentProgramsDesk } from "../releases/agent-programs-desk.ts";
import type { ListedRelease, ReleaseDesk } from "../releases/release-desk.ts";
import { gateOf, readOverrides } from "../rollouts/overrides.ts";
import type { RolloutDesk } from "../rollouts/rollout-desk.ts";
import type { FleetView } from "../status/fleet-view.ts";
import { siteHealth } from "../status/site-health.ts";
import { watchEvents, watchValue } from "../status/watch.ts";
import type { PushedAgent } from "../store/agent-programs.ts";
import type { Store } from "../store/store.ts";
import { alertMethods } from "./alert-methods.ts";
import { type CallSeams, streaming, unary } from "./calls.ts";
import { drainMethods } from "./drain-methods.ts";
import { orderMethods } from "./order-methods.ts";
import { probeHosts } from "./probe-hosts.ts";
import { pushRelease } from "./push-release.ts";
import { readEvents, wireEvent } from "./read-events.ts";

export interface OperatorServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly changed: Bell;
  readonly fleets: FleetDesk;
  readonly applies: ApplyDesk;
  readonly rollouts: RolloutDesk;
  readonly releases: ReleaseDesk;
  readonly agents: AgentProgramsDesk;
  readonly orders: OrderDesk;
  readonly alerts: AlertDesk;
  readonly drains: DrainDesk;
  readonly reboots: RebootDesk;
  readonly sessions: Sessions;
  readonly view: FleetView;
  readonly evidence: EvidenceBook;
  readonly traffic: TrafficBook;
}

/** What operators may ask: each method reads its message, lets a desk decide and answers in the contract's words. */
export function operatorService(options: OperatorServiceOptions, seams: CallSeams): OperatorServiceServer {
  return {
    ...fleetMethods(options, seams),
    ...rolloutMethods(options, seams),
    ...orderMethods(options, seams),
    ...drainMethods(options, seams),
    ...alertMethods(options, seams),
    ...watchMethods(options, seams),
  };
}

type FleetMethods = Pick<
  OperatorServiceServer,
  "plan" | "apply" | "pushRelease" | "listReleases" | "getStatus" | "getHealth"
>;

function fleetMethods(options: OperatorServiceOptions, seams: CallSeams): FleetMethods {
  const { applies, releases, agents, view, clock } = options;
  return {
    plan: unary(seams, ({ files }): PlanResponse => {
      const { rollouts, ...answer } = wireApplied(applies.plan(files));
      return { ...answer, rollouts: rollouts.map(({ title }) => title) };
    }),
    apply: unary(seams, ({ files, reason, overrides }, { principal }): ApplyResponse => {
      const checks = readOverrides(overrides, principal, clock.now());
      const applied = applies.apply({ files, by: principal.name, reason, overrides: checks });
      const { rollouts, ...answer } = wireApplied(applied);
      return { ...answer, rolloutIds: rollouts.map(({ id }) => id) };
    }),
    pushRelease: pushRelease({ releases, agents }, seams),
    listReleases: unary(seams, ({ site, agents: ofAgents }) => ({
      releases: ofAgents === true ? agents.list().map(wireAgent) : releases.list(site).map(wireRelease),
    })),
    getStatus: unary(seams, (filter) => view.status(filter)),
    getHealth: unary(seams, (request) => siteHealth(options, request)),
  };
}

const wireRelease = ({ pushedAt, oneWay, ...release }: ListedRelease): Release => ({
  ...release,
  oneWay,
  pushedAtMs: pushedAt,
});

const wireAgent = ({ version, artifact: digest, bytes, pushedAt }: PushedAgent): Release => ({
  ...{ site: "", version, digest, bytes, oneWay: undefined },
  pushedAtMs: pushedAt,
});

function wireApplied({ changes, rollouts, gates, problems }: Applied) {
  return {
    gates: [...gates],
    changes: changes.map(({ sentence, hosts }) => ({ sentence, hosts: [...hosts] })),
    rollouts: rollouts.map(({ rollout }) => rollout),
    problems: problems.map((problem) => ({ ...problem, hint: problem.hint })),
  };
}

type RolloutMethods = Pick<
  OperatorServiceServer,
  "deploy" | "restart" | "rebootHosts" | "listRollouts" | "getRollout" | "commandRollout" | "overrideGate"
>;

function rolloutMethods({ rollouts, view, clock }: OperatorServiceOptions, seams: CallSeams): RolloutMethods {
  return {
    deploy: unary(seams, ({ site, version, toEnvironment, reason, overrides, oneWay }, { principal }) => {
      const checks = readOverrides(overrides, principal, clock.now());
      const by = principal.name;
      return { rolloutId: rollouts.deploy({ site, version, toEnvironment, reason, by, overrides: checks, oneWay }) };
    }),
    restart: unary(seams, (request, { principal: { name: by } }) => {
      const { site, proxies, reason, toEnvironment, agents, keepers, agentVersion: version } = request;
      const unit = agents === true ? agentUnit : keepers === true ? keeperUnit : undefined;
      const ids =
        unit === undefined
          ? rollouts.restart({ site, proxies, reason, toEnvironment, by })
          : rollouts.restartPrograms({ unit, version, reason, toEnvironment, by });
      return { rolloutIds: [...ids] };
    }),
    rebootHosts: unary(seams, ({ hosts, all, environment, reason }, { principal }) => ({
      rolloutId: rollouts.reboot({ hosts, all, environment, reason, by: principal.name }),
    })),
    listRollouts: unary(seams, (filter) => ({ rollouts: view.rollouts(filter) })),
    getRollout: unary(seams, ({ id }) => ({ rollout: view.rolloutWithEvidence(rollouts.require(id)) })),
    commandRollout: unary(seams, ({ id, verb, reason, role }, { principal }) => {
      const mayOverride = includesRole(principal.role, overriderRole);
      const newRolloutId = rollouts.command({ id, verb: verbOf(verb), reason, role, by: principal.name, mayOverride });
      return { rollout: view.rollout(rollouts.require(id)), newRolloutId };
    }),
    overrideGate: unary(seams, ({ id, gate, reason }, { principal }) => {
      rollouts.override({ id, gate: gateOf(gate), reason, by: principal.name });
      return { rollout: view.rollout(rollouts.require(id)) };
    }),
  };
}

function verbOf(word: string): OperatorVerb {
  if (Object.hasOwn(phasesAllowing, word)) return word as OperatorVerb;
  throw new Problem("usage-invalid", `cannot '${word}' a rollout; there is ${Object.keys(phasesAllowing).join(", ")}`);
}

type WatchMethods = Pick<OperatorServiceServer, "watchRollout" | "probe" | "watchEvents" | "readEvents">;

function watchMethods(
  { store, clock, changed, fleets, rollouts, sessions, view }: OperatorServiceOptions,
  seams: CallSeams,
): WatchMethods {
  return {
    watchRollout: streaming(seams, async function* ({ id }, { signal }) {
      const whole = rollouts.require(id).rollout.id;
      const look = () => {
        const stored = rollouts.require(whole);
        return { value: view.rollout(stored), last: stored.endedAt !== undefined };
      };
      for await (const rollout of watchValue(look, changed, signal)) yield { rollout };
    }),
    probe: streaming(seams, (request, { signal }) => probeHosts({ fleets, sessions }, request, signal)),
    watchEvents: streaming(seams, async function* ({ afterSeq, follow }, { signal }) {
      for await (const event of watchEvents(store, changed, afterSeq, follow, signal)) {
        yield wireEvent(event);
      }
    }),
    readEvents: unary(seams, (request) => readEvents({ store, fleets, rollouts, clock }, request)),
  };
}
