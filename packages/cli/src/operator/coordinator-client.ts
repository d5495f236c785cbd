import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { fromServiceError } from "@sluice/protocol";
import {
  type AcknowledgeRequest,
  type AcknowledgeResponse,
  type AddFreezeRequest,
  type AddMuteRequest,
  type Alert,
  type ApplyRequest,
  type ApplyResponse,
  type CommandRolloutRequest,
  type CommandRolloutResponse,
  type DeployRequest,
  type DeployResponse,
  type DrainHostRequest,
  type Freeze,
  type GetHealthRequest,
  type GetHealthResponse,
  type GetStatusRequest,
  type GetStatusResponse,
  type HostDrain,
  type ListAlertsResponse,
  type ListReleasesResponse,
  type ListRolloutsRequest,
  type Mute,
  OperatorServiceClient,
  type OverrideGateRequest,
  type PlanRequest,
  type PlanResponse,
  type ProbeRequest,
  type ProbeResponse,
  type PushReleaseOpen,
  type PushReleaseResponse,
  type ReadEventsRequest,
  type ReadEventsResponse,
  type RebootHostsRequest,
  type RebootHostsResponse,
  type RestartRequest,
  type RestartResponse,
  type WatchEventsRequest,
  type WatchEventsResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";

/** Unary calls are answered from the store; one that takes longer than this will not be answered at all. */
const answerWithinMs = 20_000;

/** Larger than any status of a big fleet, smaller than what would exhaust memory. */
const messageBytesMax = 64 * 1024 * 1024;

/** A tarball travels in pieces of this size. */
const chunkBytes = 64 * 1024;

/** The operator's side of the contract, in promises and async iterables. Every rejection is a {@link Problem}. */
export interface CoordinatorClient extends Disposable {
  readonly address: string;
  plan(request: PlanRequest): Promise<PlanResponse>;
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  pushRelease(open: PushReleaseOpen, tarball: Buffer): Promise<PushReleaseResponse>;
  /** Of a site, or with `agents` the versions of the agent. */
  listReleases(site: string, agents?: boolean): Promise<ListReleasesResponse>;
  deploy(request: DeployRequest): Promise<DeployResponse>;
  restart(request: RestartRequest): Promise<RestartResponse>;
  rebootHosts(request: RebootHostsRequest): Promise<RebootHostsResponse>;
  listRollouts(request: ListRolloutsRequest): Promise<readonly Rollout[]>;
  getRollout(id: string): Promise<Rollout>;
  /** The rollout now, then after every change, until it has ended or `signal` aborts (which ends the iteration quietly). */
  watchRollout(id: string, signal: AbortSignal): AsyncIterable<Rollout>;
  commandRollout(request: CommandRolloutRequest): Promise<CommandRolloutResponse>;
  overrideGate(request: OverrideGateRequest): Promise<Rollout>;
  addFreeze(request: AddFreezeRequest): Promise<Freeze>;
  listFreezes(): Promise<readonly Freeze[]>;
  removeFreeze(name: string, reason: string): Promise<void>;
  addMute(request: AddMuteRequest): Promise<Mute>;
  listMutes(): Promise<readonly Mute[]>;
  removeMute(name: string): Promise<void>;
  /** Ids of the rollouts that were paused. */
  haltAll(reason: string): Promise<readonly string[]>;
  /** Ids of the rollouts that go on. */
  clearHalt(reason: string | undefined): Promise<readonly string[]>;
  listAlerts(): Promise<ListAlertsResponse>;
  acknowledge(request: AcknowledgeRequest): Promise<AcknowledgeResponse>;
  testPage(reason: string | undefined): Promise<Alert>;
  drainHost(request: DrainHostRequest): Promise<HostDrain>;
  undrainHost(host: string, reason: string): Promise<void>;
  getStatus(request: GetStatusRequest): Promise<GetStatusResponse>;
  getHealth(request: GetHealthRequest): Promise<GetHealthResponse>;
  probe(request: ProbeRequest, signal: AbortSignal): AsyncIterable<ProbeResponse>;
  /** One page of the log. */
  readEvents(request: ReadEventsRequest): Promise<ReadEventsResponse>;
  watchEvents(request: WatchEventsRequest, signal: AbortSignal): AsyncIterable<WatchEventsResponse>;
}

/** Opens a connection; nothing is sent before the first call. `user` is recorded as the author of changes. */
export function openCoordinatorClient(address: string, user: string): CoordinatorClient {
  const client = new OperatorServiceClient(address, credentials.createInsecure(), {
    "grpc.max_receive_message_length": messageBytesMax,
    // A coordinator that restarts is met again within two seconds.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2000,
  });
  const unary = <Q, A>(call: UnaryCall<Q, A>, request: Q): Promise<A> => askUnary(call, request, address, user);
  const stream = <A>(open: (metadata: Metadata) => ClientReadableStream<A>, signal: AbortSignal): AsyncIterable<A> =>
    readStream(() => open(authorOf(user)), address, signal);
  return {
    address,
    plan: (request) => unary(client.plan.bind(client), request),
    apply: (request) => unary(client.apply.bind(client), request),
    pushRelease: (open, tarball) => sendRelease(client, open, tarball, address, user),
    listReleases: (site, agents = false) => unary(client.listReleases.bind(client), { site, agents }),
    deploy: (request) => unary(client.deploy.bind(client), request),
    restart: (request) => unary(client.restart.bind(client), request),
    rebootHosts: (request) => unary(client.rebootHosts.bind(client), request),
    listRollouts: async (request) => (await unary(client.listRollouts.bind(client), request)).rollouts,
    getRollout: async (id) => present((await unary(client.getRollout.bind(client), { id })).rollout),
    watchRollout: (id, signal) => mapPresent(stream((metadata) => client.watchRollout({ id }, metadata), signal)),
    commandRollout: (request) => unary(client.commandRollout.bind(client), request),
    ...ordersOf(client, unary),
    getStatus: (request) => unary(client.getStatus.bind(client), request),
    getHealth: (request) => unary(client.getHealth.bind(client), request),
    probe: (request, signal) => stream((metadata) => client.probe(request, metadata), signal),
    readEvents: (request) => unary(client.readEvents.bind(client), request),
    watchEvents: (request, signal) => stream((metadata) => client.watchEvents(request, metadata), signal),
    [Symbol.dispose]: () => client.close(),
  };
}

type Orders = Pick<
  CoordinatorClient,
  | "overrideGate"
  | "addFreeze"
  | "listFreezes"
  | "removeFreeze"
  | "addMute"
  | "listMutes"
  | "removeMute"
  | "haltAll"
  | "clearHalt"
  | "listAlerts"
  | "acknowledge"
  | "testPage"
  | "drainHost"
  | "undrainHost"
>;

/** What holds for the whole fleet, and the exception from it. */
function ordersOf(
  client: OperatorServiceClient,
  unary: <Q, A>(call: UnaryCall<Q, A>, request: Q) => Promise<A>,
): Orders {
  return {
    overrideGate: async (request) => present((await unary(client.overrideGate.bind(client), request)).rollout),
    addFreeze: async (request) => present((await unary(client.addFreeze.bind(client), request)).freeze),
    listFreezes: async () => (await unary(client.listFreezes.bind(client), {})).freezes,
    removeFreeze: async (name, reason) => void (await unary(client.removeFreeze.bind(client), { name, reason })),
    addMute: async (request) => present((await unary(client.addMute.bind(client), request)).mute),
    listMutes: async () => (await unary(client.listMutes.bind(client), {})).mutes,
    removeMute: async (name) => void (await unary(client.removeMute.bind(client), { name })),
    haltAll: async (reason) => (await unary(client.haltAll.bind(client), { reason })).pausedRolloutIds,
    clearHalt: async (reason) => (await unary(client.clearHalt.bind(client), { reason })).resumedRolloutIds,
    listAlerts: () => unary(client.listAlerts.bind(client), {}),
    acknowledge: (request) => unary(client.acknowledge.bind(client), request),
    testPage: async (reason) => present((await unary(client.testPage.bind(client), { reason })).alert),
    drainHost: async (request) => present((await unary(client.drainHost.bind(client), request)).drain),
    undrainHost: async (host, reason) => void (await unary(client.undrainHost.bind(client), { host, reason })),
  };
}

type UnaryCall<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: A) => void,
) => ClientUnaryCall;

function askUnary<Q, A>(call: UnaryCall<Q, A>, request: Q, address: string, user: string): Promise<A> {
  return new Promise((resolve, reject) => {
    call(request, authorOf(user), { deadline: Date.now() + answerWithinMs }, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(problemOf(error, address));
    });
  });
}

function sendRelease(
  client: OperatorServiceClient,
  open: PushReleaseOpen,
  tarball: Buffer,
  address: string,
  user: string,
): Promise<PushReleaseResponse> {
  return new Promise((resolve, reject) => {
    const call = client.pushRelease(authorOf(user), (error, answer) => {
      if (error === null) resolve(answer);
      else reject(problemOf(error, address));
    });
    // The callback tells what went wrong; without a listener the stream would throw it a second time.
    call.on("error", () => undefined);
    call.write({ message: { $case: "open", value: open } });
    for (let at = 0; at < tarball.length; at += chunkBytes) {
      call.write({ message: { $case: "chunk", value: tarball.subarray(at, at + chunkBytes) } });
    }
    call.end();
  });
}

async function* readStream<A>(
  open: () => ClientReadableStream<A>,
  address: string,
  signal: AbortSignal,
): AsyncGenerator<A, void, undefined> {
  if (signal.aborted) return;
  const call = open();
  const cancel = (): void => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const message of call) yield message as A;
  } catch (error) {
    if (!signal.aborted) throw problemOf(error, address);
  } finally {
    signal.removeEventListener("abort", cancel);
    call.on("error", () => undefined);
    call.cancel();
  }
}

async function* mapPresent(
  answers: AsyncIterable<{ readonly rollout: Rollout | undefined }>,
): AsyncGenerator<Rollout, void, undefined> {
  for await (const answer of answers) yield present(answer.rollout);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Problem("message-invalid", "the coordinator answered without what was asked for");
  return value;
}

function authorOf(user: string): Metadata {
  const metadata = new Metadata();
  metadata.set("sluice-user", printable(user));
  return metadata;
}

function problemOf(error: unknown, address: string): Problem {
  const problem = fromServiceError(error, "coordinator-unreachable");
  if (problem.reason !== "coordinator-unreachable" || problem.message !== "no answer") return problem;
  return new Problem("coordinator-unreachable", `cannot reach the coordinator at ${address}`, {
    hint: "name it with --coordinator HOST:PORT or SLUICE_COORDINATOR, or start a fleet on this machine: sluice dev",
    cause: detailsOf(problem.cause),
  });
}

/** grpc-js tells the socket's own error in `details`. */
function detailsOf(cause: unknown): unknown {
  if (cause instanceof Error && "details" in cause && typeof cause.details === "string" && cause.details !== "") {
    return new Error(cause.details);
  }
  return cause;
}

/** Metadata that is not binary holds printable ASCII only. */
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?");
