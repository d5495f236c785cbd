import { Server } from "@grpc/grpc-js";
import { type DurationMs, Problem, seconds } from "@sluice/core";
import { AgentServiceService } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { OperatorServiceService } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock, Ids, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { assemble, type Parts } from "./assemble.ts";
import { NotificationLoop } from "./notifications/notification-loop.ts";
import { Secrets } from "./notifications/secrets.ts";
import { Teller } from "./notifications/tell.ts";
import { listenFleetLock } from "./reboots/listen-fleetlock.ts";
import { ArtifactShelf } from "./releases/artifact-shelf.ts";
import { agentService } from "./rpc/agent-service.ts";
import { authorise } from "./rpc/authorise.ts";
import type { CallSeams } from "./rpc/calls.ts";
import { listenGrpc } from "./rpc/listener.ts";
import { isLoopback } from "./rpc/loopback.ts";
import { operatorService } from "./rpc/operator-service.ts";
import { type Authenticate, trustLoopback } from "./rpc/principal.ts";
import { addHealth, addReflection } from "./rpc/standard-services.ts";
import { openStore, type Store } from "./store/store.ts";

export interface CoordinatorOptions {
  readonly dataDir: string;
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** How often agents speak; handed out to them. Two seconds when absent. */
  readonly heartbeatMs?: DurationMs;
  /** How far rounds of probes are apart; handed out to agents. Ten seconds when absent. */
  readonly probeEveryMs?: DurationMs;
  /** Name in the audit log for callers that do not give one. */
  readonly user?: string;
  /** Who calls; trusts whoever reaches the port when absent, so that the port must be a loopback one. */
  readonly authenticate?: Authenticate;
  /** Lead although agents have obeyed a newer history than this store knows: an operator's explicit word. */
  readonly adoptFence?: boolean;
  /** Where reboot managers ask (FleetLock protocol); nobody listens when absent. The protocol knows no callers, so keep it to those who may ask. */
  readonly fleetLock?: { readonly host: string; readonly port: number };
  /** How long an edge may take to notice that a host is drained for its reboot. Fifteen seconds when absent. */
  readonly rebootNoticeMs?: DurationMs;
  /** How far looks for alerts are apart at least. Two seconds when absent. */
  readonly alertLookMs?: DurationMs;
  /** How far looks are apart for what is due: what pends for too long, renewed certificates, hosts that are late. A minute when absent. */
  readonly dueLookMs?: DurationMs;
  /** Called after each commit of the store; for tests that end a coordinator at exact points. */
  readonly afterCommit?: (store: Store) => void;
}

export interface Coordinator extends Running {
  /** `host:port` that it really listens on. */
  readonly address: string;
  /** `host:port` of the FleetLock server, where there is one. */
  readonly fleetLockAddress: string | undefined;
  /** Why it does not lead (its store is behind its agents); undefined while it leads. */
  readonly refusal: string | undefined;
}

/** Opens the store, goes on with every rollout where it was, and listens. Resolves when it can be called. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  await using opened = new AsyncDisposableStack();
  const { dataDir, afterCommit, clock, log } = options;
  const seams = openSeams(options);
  const store = opened.use(openStore({ dataDir, ...(afterCommit === undefined ? {} : { afterCommit }) }));
  const artifacts = await ArtifactShelf.open(dataDir);
  const parts = assemble({ ...options, store, artifacts });
  opened.use(parts.runner);
  const teller = opened.use(new Teller());
  const notifications = opened.use(startNotifications(options, parts, teller));
  const server = createServer(parts, artifacts, seams);
  const listening = opened.use(await listenGrpc(server, options.listen.host, options.listen.port));
  const { fleetLock } = options;
  const locking =
    fleetLock === undefined ? undefined : opened.use(await listenFleetLock(parts.reboots, fleetLock, seams.onFailure));
  opened.defer(() => parts.sessions.closeAll("the coordinator stops"));
  opened.use(clock.every(parts.heartbeatMs, () => parts.sessions.closeSilent()));
  opened.use(
    clock.every(options.dueLookMs ?? seconds(60), () => {
      parts.watchPending();
      parts.startDue();
    }),
  );
  const address = `${listening.host.includes(":") ? `[${listening.host}]` : listening.host}:${listening.port}`;
  log.info({ address, fleetLock: locking?.address, fence: parts.leadership.fence, dataDir }, "coordinator.listening");
  const done = Promise.all([parts.runner.done, notifications.done]).then(() => undefined);
  done.catch(() => undefined);
  const held = opened.move();
  return {
    address,
    fleetLockAddress: locking?.address,
    done,
    get refusal() {
      return parts.leadership.refusal;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function startNotifications(
  { dataDir, clock, alertLookMs = seconds(2) }: CoordinatorOptions,
  { alerts, changed }: Parts,
  teller: Teller,
): NotificationLoop {
  const secrets = new Secrets(dataDir);
  return new NotificationLoop({ desk: alerts, clock, secrets, teller, changed, lookMs: alertLookMs });
}

function createServer(parts: Parts, artifacts: ArtifactShelf, seams: CallSeams): Server {
  const server = new Server({
    interceptors: [authorise(seams.authenticate)],
    // A dead peer is found by the connection as well, not only by missing heartbeats.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.max_receive_message_length": 16 * 1024 * 1024,
    "grpc.enable_channelz": 0,
  });
  server.addService(AgentServiceService, agentService(parts.sessions, artifacts, seams));
  server.addService(OperatorServiceService, operatorService(parts, seams));
  parts.health.set = addHealth(server).set;
  parts.health.set(parts.leadership.refusal === undefined);
  addReflection(server);
  return server;
}

/** Throws `usage-invalid` when callers would be trusted on an address that others can reach. */
function openSeams({ authenticate, listen, user, log }: CoordinatorOptions): CallSeams {
  if (authenticate === undefined && !isLoopback(listen.host)) {
    throw new Problem(
      "usage-invalid",
      `cannot listen on '${listen.host}': callers are not authenticated, so only loopback is safe`,
      {
        hint: "listen on 127.0.0.1 and let agents and operators come in through a tunnel",
      },
    );
  }
  return {
    authenticate: authenticate ?? trustLoopback(user ?? "operator"),
    onFailure: (error, path) => tellFailure(log, error, path),
  };
}

/** A problem is the caller's to read; anything else is ours, and the log has it. */
function tellFailure(log: Log, error: unknown, path: string): void {
  if (error instanceof Problem && error.category !== "internal") return;
  log.error({ err: error, path }, "rpc.failed");
}
