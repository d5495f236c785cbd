import { Server } from "@grpc/grpc-js";
import { type DurationMs, durationMs, type HostView, type PlanInput, Problem, seconds } from "@sluice/core";
import { hostUnit } from "@sluice/core/rollout/wave";
import { AgentServiceService } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { OperatorServiceService } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock, Ids, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { Bell } from "./bell.ts";
import { EvidenceBook } from "./evidence/evidence-book.ts";
import { judgeRollout } from "./evidence/judge-rollout.ts";
import { ApplyDesk } from "./fleet/apply-desk.ts";
import { FleetDesk } from "./fleet/fleet-desk.ts";
import { IntentDesk } from "./hosts/intent-desk.ts";
import { IntentIssuer } from "./hosts/issue-intents.ts";
import { Roster } from "./hosts/roster.ts";
import { Sessions } from "./hosts/sessions.ts";
import { Leadership } from "./leadership.ts";
import { ArtifactShelf } from "./releases/artifact-shelf.ts";
import { ReleaseDesk } from "./releases/release-desk.ts";
import { RolloutDesk } from "./rollouts/rollout-desk.ts";
import { RolloutRunner } from "./rollouts/rollout-runner.ts";
import { agentService } from "./rpc/agent-service.ts";
import { authorise } from "./rpc/authorise.ts";
import type { CallSeams } from "./rpc/calls.ts";
import { listenGrpc } from "./rpc/listener.ts";
import { operatorService } from "./rpc/operator-service.ts";
import { type Authenticate, trustLoopback } from "./rpc/principal.ts";
import { addHealth, addReflection } from "./rpc/standard-services.ts";
import { FleetView } from "./status/fleet-view.ts";
import { readProven } from "./store/host-units.ts";
import { readHostsSeen, writeHostSeen } from "./store/hosts-seen.ts";
import { readIntent } from "./store/intents.ts";
import { type Db, openStore, type Store } from "./store/store.ts";

export interface CoordinatorOptions {
  readonly dataDir: string;
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** How often agents speak; handed out to them. Two seconds when absent. */
  readonly heartbeatMs?: DurationMs;
  /** How often agents probe; handed out to them. One second when absent. */
  readonly probeEveryMs?: DurationMs;
  /** Name in the audit log for callers that do not give one. */
  readonly user?: string;
  /** Who calls; trusts whoever reaches the port when absent, so that the port must be a loopback one. */
  readonly authenticate?: Authenticate;
  /** Lead although agents have obeyed a newer history than this store knows: an operator's explicit word. */
  readonly adoptFence?: boolean;
  /** Called after each commit of the store; for tests that end a coordinator at exact points. */
  readonly afterCommit?: (db: Db) => void;
}

export interface Coordinator extends Running {
  /** `host:port` that it really listens on. */
  readonly address: string;
  /** Why it does not lead (its store is behind its agents); undefined while it leads. */
  readonly refusal: string | undefined;
}

/** Opens the store, goes on with every rollout where it was, and listens. Resolves when it can be called. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  await using opened = new AsyncDisposableStack();
  const { dataDir, afterCommit } = options;
  const store = opened.use(openStore({ dataDir, ...(afterCommit === undefined ? {} : { afterCommit }) }));
  const artifacts = await ArtifactShelf.open(dataDir);
  const parts = assemble(options, store, artifacts);
  const server = createServer(parts, artifacts);
  opened.defer(() => parts.sessions.closeAll("the coordinator stops"));
  opened.use(parts.runner);
  const listening = opened.use(await listenGrpc(server, options.listen.host, options.listen.port));
  opened.use(options.clock.every(parts.heartbeatMs, () => parts.sessions.closeSilent()));
  const address = `${listening.host.includes(":") ? `[${listening.host}]` : listening.host}:${listening.port}`;
  options.log.info({ address, fence: parts.leadership.fence, dataDir }, "coordinator.listening");
  const held = opened.move();
  return {
    address,
    done: parts.runner.done,
    get refusal() {
      return parts.leadership.refusal;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

type Parts = ReturnType<typeof assemble>;

/** Every part and who may call whom; nothing listens yet. */
function assemble(options: CoordinatorOptions, store: Store, artifacts: ArtifactShelf) {
  const { clock, ids, log } = options;
  const heartbeatMs = options.heartbeatMs ?? seconds(2);
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
  const leadership = new Leadership({ store, clock, log, adoptFence: options.adoptFence ?? false, onRefusal });
  const fleets = new FleetDesk(store, options.probeEveryMs ?? durationMs(1000));
  const roster = new Roster(clock, heartbeatMs, readHostsSeen(store));
  const evidence = new EvidenceBook(store, clock);
  const intents = new IntentDesk(store);
  const hosts = (): Pick<PlanInput, "hosts" | "fleet" | "proven"> => hostsNow(store, fleets, roster);
  const sessions = new Sessions({
    clock,
    log,
    roster,
    intents,
    heartbeatMs,
    isHost: (host) => fleets.isHost(host),
    fence: () => leadership.fence,
    mayLead: () => leadership.refusal === undefined,
    meet: (agent) => leadership.meet(agent),
    count: (host, batch) => evidence.count(host, batch),
    onAdmitted: (host) => store.transact((db) => writeHostSeen(db, host, clock.now())),
    wake: decided,
    counted: () => awake.ring(),
  });
  const push = (host: string): void => sessions.push(host);
  const onIssued = (): void => changed.ring();
  const issuer = new IntentIssuer({ store, clock, leadership, fleets, intents, push, onIssued });
  const runner = new RolloutRunner(
    {
      store,
      clock,
      log,
      leadership,
      heartbeatMs,
      changed,
      hosts,
      judge: (stored) =>
        judgeRollout({
          now: clock.now(),
          stored,
          evidence: evidence.log,
          hosts: hosts().hosts,
          dutiesOf: (host) => (fleets.isHost(host) ? fleets.require().configurationOf(host).sites : []),
          hostsOf: (environment) =>
            fleets.applied?.fleet.environments.find(({ name }) => name === environment)?.hosts ?? [],
        }),
      issueIntents: () => issuer.issueAll(),
      onBlocked: (sentence) => health.set(sentence === undefined && leadership.refusal === undefined),
    },
    awake,
  );
  const desk = { store, clock, ids, log, leadership, fleets, runner, decided };
  const rollouts = new RolloutDesk(desk);
  const applies = new ApplyDesk(desk);
  const releases = new ReleaseDesk({ store, clock, ids, log, leadership, fleets, artifacts, onPushed: decided });
  const standstill = (): string | undefined => leadership.refusal ?? runner.blocked;
  const waitingOn = (id: string) => runner.waitingOn(id);
  const view = new FleetView({ store, clock, fleets, roster, waitingOn, hostViews: () => hosts().hosts, standstill });
  const authenticate = options.authenticate ?? trustLoopback(options.user ?? "operator");
  const seams: CallSeams = { authenticate, onFailure: (error, path) => tellFailure(log, error, path) };
  return {
    store,
    clock,
    changed,
    heartbeatMs,
    leadership,
    fleets,
    sessions,
    runner,
    rollouts,
    applies,
    releases,
    view,
    seams,
    health,
  };
}

function createServer(parts: Parts, artifacts: ArtifactShelf): Server {
  const server = new Server({
    interceptors: [authorise(parts.seams.authenticate)],
    // A dead peer is found by the connection as well, not only by missing heartbeats.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.max_receive_message_length": 16 * 1024 * 1024,
    "grpc.enable_channelz": 0,
  });
  server.addService(AgentServiceService, agentService(parts.sessions, artifacts, parts.seams));
  server.addService(OperatorServiceService, operatorService(parts, parts.seams));
  parts.health.set = addHealth(server).set;
  parts.health.set(parts.leadership.refusal === undefined);
  addReflection(server);
  return server;
}

/** What the hosts of the fleet say now, as decisions look at it. */
function hostsNow(store: Store, fleets: FleetDesk, roster: Roster): Pick<PlanInput, "hosts" | "fleet" | "proven"> {
  const names = fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
  return {
    hosts: Object.fromEntries(names.map((name) => [name, viewOf(store, roster, name)])),
    fleet: roster.sight(names),
    proven: Object.fromEntries(readProven(store).map(({ host, unit, digest }) => [hostUnit(host, unit), digest])),
  };
}

function viewOf(store: Store, roster: Roster, host: string): HostView {
  const { connected, observation } = roster.find(host);
  if (observation === undefined) return { connected };
  return { connected, observation, upToDate: observation.intentDigest === readIntent(store, host)?.digest };
}

/** A problem is the caller's to read; anything else is ours, and the log has it. */
function tellFailure(log: Log, error: unknown, path: string): void {
  if (error instanceof Problem && error.category !== "internal") return;
  log.error({ err: error, path }, "rpc.failed");
}
