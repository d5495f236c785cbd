import { type DurationMs, durationMs, type PlanInput, type SiteProxySettings, seconds } from "@sluice/core";
import { blindness } from "@sluice/core/rollout/blindness";
import { hostUnit } from "@sluice/core/rollout/wave";
import type { Clock, Ids } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { Bell } from "./bell.ts";
import { askedDuties } from "./evidence/asked-duties.ts";
import { EvidenceBook } from "./evidence/evidence-book.ts";
import { HealthDesk } from "./evidence/health-desk.ts";
import { RecheckDesk } from "./evidence/recheck-desk.ts";
import { TrafficBook } from "./evidence/traffic-book.ts";
import { ApplyDesk } from "./fleet/apply-desk.ts";
import { FleetDesk } from "./fleet/fleet-desk.ts";
import { gateFacts } from "./gates/gate-facts.ts";
import { OrderDesk } from "./gates/order-desk.ts";
import { DrainDesk } from "./hosts/drain-desk.ts";
import { fleetSight } from "./hosts/fleet-sight.ts";
import { HostWatch } from "./hosts/host-watch.ts";
import { hostsNow } from "./hosts/hosts-now.ts";
import { IntentDesk } from "./hosts/intent-desk.ts";
import { IntentIssuer } from "./hosts/issue-intents.ts";
import { Roster } from "./hosts/roster.ts";
import { Sessions } from "./hosts/sessions.ts";
import { Leadership } from "./leadership.ts";
import { AlertDesk, type AlertDeskOptions } from "./notifications/alert-desk.ts";
import { LeaseBook } from "./reboots/lease-book.ts";
import { RebootDesk } from "./reboots/reboot-desk.ts";
import { RebootFacts } from "./reboots/reboot-facts.ts";
import { TurnDesk } from "./reboots/turn-desk.ts";
import { AgentProgramsDesk } from "./releases/agent-programs-desk.ts";
import type { ArtifactShelf } from "./releases/artifact-shelf.ts";
import { ReleaseDesk } from "./releases/release-desk.ts";
import { followLateHosts } from "./rollouts/follow-late-hosts.ts";
import { RolloutDesk } from "./rollouts/rollout-desk.ts";
import { RolloutRunner } from "./rollouts/rollout-runner.ts";
import { startRenewals } from "./rollouts/start-renewals.ts";
import { FleetView } from "./status/fleet-view.ts";
import { watchPendingOrWait } from "./status/watch-pending.ts";
import { readHostsSeen, writeHostSeen } from "./store/hosts-seen.ts";
import type { Store } from "./store/store.ts";
import { readUnitRelease } from "./store/unit-releases.ts";

/** What all parts are made from. */
export interface Ground {
  readonly store: Store;
  readonly artifacts: ArtifactShelf;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly heartbeatMs?: DurationMs;
  readonly probeEveryMs?: DurationMs;
  readonly adoptFence?: boolean;
  readonly rebootNoticeMs?: DurationMs;
}

/** Every part of a coordinator and who may call whom; nothing listens yet, rollouts move already. */
export type Parts = ReturnType<typeof assemble>;

export function assemble(ground: Ground) {
  const { store, clock, ids, log, artifacts } = ground;
  const memory = openMemory(ground);
  const { leadership, fleets, decided, changed } = memory;
  const sessions = openSessions(ground, memory);
  const drains = new DrainDesk({ store, clock, log, leadership, fleets, roster: memory.roster, decided });
  const { reboots, turns } = openReboots(ground, memory, drains);
  const runner = startRunner(ground, memory, { sessions, drains, turns });
  const { roster } = memory;
  const findHost = (host: string) => roster.find(host);
  const desk = {
    store,
    clock,
    ids,
    log,
    leadership,
    fleets,
    runner,
    roster,
    decided,
    requestsOn: (host: string, sites: readonly string[]) => memory.traffic.requestsOn(host, sites),
  };
  const rollouts = new RolloutDesk(desk);
  const standstill = (): string | undefined => leadership.refusal ?? runner.blocked;
  const alerts = openAlerts(ground, memory, { standstill, gates: (id) => runner.gates(id) });
  const view = new FleetView({
    store,
    clock,
    fleets,
    roster,
    drains,
    waitingOn: (id) => runner.waitingOn(id),
    evidenceFor: (stored) => runner.verdictOn(stored).rows ?? [],
    gates: (id) => runner.gates(id),
    hostViews: () => memory.hosts().hosts,
    standstill,
    alerts: () => alerts.remarks(),
  });
  const { evidence, traffic } = memory;
  return {
    ...{ store, clock, changed, leadership, fleets, sessions, drains, reboots, runner, view, evidence, traffic },
    alerts,
    heartbeatMs: memory.heartbeatMs,
    watchPending: () => {
      const configured = fleets.applied;
      if (configured === undefined || leadership.refusal !== undefined) return;
      if (watchPendingOrWait({ store, now: clock.now(), configured, findHost })) changed.ring();
    },
    startDue: () => {
      const configured = fleets.applied;
      if (configured === undefined || leadership.refusal !== undefined) return;
      startRenewals({ db: store, configured, findHost, now: clock.now() }, rollouts, log);
      followLateHosts({ store, clock, log, configured, findHost }, rollouts);
    },
    health: memory.health,
    rollouts,
    applies: new ApplyDesk(desk),
    orders: new OrderDesk(desk),
    agents: new AgentProgramsDesk({ store, clock, ids, log, leadership, artifacts, onPushed: decided }),
    releases: new ReleaseDesk({ store, clock, ids, log, leadership, fleets, artifacts, onPushed: decided }),
  };
}

type Memory = ReturnType<typeof openMemory>;

/** What is known: the fleet, the hosts, the evidence, and whether this coordinator may decide. */
function openMemory({
  store,
  clock,
  log,
  heartbeatMs = seconds(2),
  probeEveryMs = seconds(10),
  adoptFence = false,
}: Ground) {
  const [changed, awake] = [new Bell(), new Bell()];
  const decided = (): void => {
    awake.ring();
    changed.ring();
  };
  const health: { set: (serving: boolean) => void } = { set: () => undefined };
  const onRefusal = (): void => {
    health.set(false);
    decided();
  };
  const fleets = new FleetDesk(store, probeEveryMs);
  const roster = new Roster(clock, heartbeatMs, readHostsSeen(store));
  return {
    ...{ changed, awake, decided, health, heartbeatMs, fleets, roster },
    leadership: new Leadership({ store, clock, log, adoptFence, onRefusal }),
    evidence: new EvidenceBook({ store, clock, log }),
    traffic: new TrafficBook({ store, clock, log }),
    intents: new IntentDesk(store),
    watch: new HostWatch({ store, clock, log, fleets, roster, heartbeatMs }),
    hosts: (): Pick<PlanInput, "hosts" | "fleet" | "proven"> => hostsNow(store, fleets, roster, clock.now()),
  };
}

/** Heartbeats after a start until every host that is there has spoken, and every rollout was planned. */
const quietHeartbeats = 5;

function openAlerts(
  { store, clock, ids, log }: Ground,
  { fleets, roster, watch, leadership, heartbeatMs, changed }: Memory,
  now: Pick<AlertDeskOptions, "standstill" | "gates">,
): AlertDesk {
  return new AlertDesk({
    ...{ store, clock, ids, log, fleets },
    ...now,
    asked: () => changed.ring(),
    quietMs: durationMs(quietHeartbeats * heartbeatMs),
    told: () => watch.told,
    leads: () => leadership.refusal === undefined,
    blind: () =>
      watch.isBlind ? blindness({ fleet: fleetSight(store, fleets, roster, clock.now()) })?.sentence : undefined,
  });
}

function openSessions({ store, clock, log }: Ground, memory: Memory): Sessions {
  const { roster, intents, heartbeatMs, fleets, leadership, evidence, traffic, awake, decided } = memory;
  const rechecks = new RecheckDesk({ clock, fleets, order: (hosts, order) => sessions.recheck(hosts, order) });
  const sessions: Sessions = new Sessions({
    ...{ clock, log, roster, intents, heartbeatMs },
    isHost: (host) => fleets.isHost(host),
    fence: () => leadership.fence,
    mayLead: () => leadership.refusal === undefined,
    meet: (agent) => leadership.meet(agent),
    count: (host, batch) => rechecks.heard(host, evidence.count(host, batch)),
    countTraffic: (host, batch) => traffic.count(host, batch),
    onAdmitted: (host) => store.transact((db) => writeHostSeen(db, host, clock.now())),
    onObserved: (host) => memory.watch.heard(host),
    wake: decided,
    counted: () => awake.ring(),
  });
  return sessions;
}

/** Turns to reboot: one book of leases, for reboot managers and for rollouts. */
function openReboots({ store, clock, rebootNoticeMs: noticeMs }: Ground, memory: Memory, drains: DrainDesk) {
  const { fleets, roster, hosts, evidence, leadership } = memory;
  const leases = new LeaseBook({ store, clock, drains, noticeMs });
  const facts = new RebootFacts({ store, clock, fleets, roster, drains, leases, hosts, evidence });
  const turns = new TurnDesk({ store, clock, fleets, drains, leases, facts, hosts });
  const assertLeading = (what: string): void => leadership.assertLeading(what);
  return { turns, reboots: new RebootDesk({ fleets, roster, drains, leases, facts, turns, assertLeading }) };
}

interface RunnerParts {
  readonly sessions: Sessions;
  readonly drains: DrainDesk;
  readonly turns: TurnDesk;
}

function startRunner(ground: Ground, memory: Memory, { sessions, drains, turns }: RunnerParts): RolloutRunner {
  const { store, clock, log } = ground;
  const tests = openTests(ground, memory);
  const { leadership, fleets, intents, heartbeatMs, changed, awake, hosts, health, watch } = memory;
  const push = (host: string): void => sessions.push(host);
  const onIssued = (): void => changed.ring();
  const issuer = new IntentIssuer({ store, clock, leadership, fleets, intents, push, onIssued });
  return new RolloutRunner(
    {
      ...{ store, clock, log, leadership, heartbeatMs, changed, hosts },
      ...{ tests, turns },
      drained: () => drains.drained(),
      gates: (stored) => {
        const { proven = {} } = hosts();
        const heardAt = memory.evidence.heardAt.bind(memory.evidence);
        return gateFacts({ db: store, fleets, now: clock.now(), heardAt, proven }, stored);
      },
      watchHosts: () => watch.look(),
      issueIntents: () => issuer.issueAll(),
      onBlocked: (sentence) => {
        health.set(sentence === undefined && leadership.refusal === undefined);
        changed.ring();
      },
    },
    awake,
  );
}

function openTests({ store, clock }: Ground, { evidence, traffic, hosts, fleets, awake }: Memory): HealthDesk {
  const dutiesOf = (host: string) => (fleets.isHost(host) ? fleets.require().configurationOf(host).sites : []);
  return new HealthDesk({
    ...{ store, clock },
    sources: { evidence, traffic },
    hosts: () => hosts().hosts,
    hostsOf: (name) => fleets.applied?.fleet.environments.find((environment) => environment.name === name)?.hosts ?? [],
    dutiesOf,
    askedDutiesOf: ({ rollout }, host) => {
      const { proven = {} } = hosts();
      return askedDuties({
        ...{ rollout, host, duties: dutiesOf(host) },
        provenOf: (unit) => proven[hostUnit(host, unit)],
        settingsOf: (digest) => readUnitRelease(store, digest)?.content as SiteProxySettings | undefined,
      });
    },
    begun: () => awake.ring(),
  });
}
