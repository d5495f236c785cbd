import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { toServiceError } from "@sluice/protocol";
import {
  type OperatorServiceServer,
  OperatorServiceService,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";

type Answer<Q, A> = (request: Q) => A | Promise<A>;

type UnaryMethods = {
  [K in keyof OperatorServiceServer as OperatorServiceServer[K] extends (
    call: ServerUnaryCall<infer _Q, infer _A>,
    callback: sendUnaryData<infer _B>,
  ) => void
    ? K
    : never]: OperatorServiceServer[K];
};

export interface FakeCoordinator extends AsyncDisposable {
  readonly address: string;
  /** Requests in the order in which they came: method and message. */
  readonly asked: readonly { readonly method: string; readonly request: unknown }[];
}

type RequestOf<M> = M extends (call: ServerUnaryCall<infer Q, infer _A>, callback: sendUnaryData<infer _B>) => void
  ? Q
  : never;
type AnswerOf<M> = M extends (call: ServerUnaryCall<infer _Q, infer A>, callback: sendUnaryData<infer _B>) => void
  ? A
  : never;

export interface FakeAnswers {
  readonly unary?: {
    readonly [K in keyof UnaryMethods]?: Answer<RequestOf<UnaryMethods[K]>, AnswerOf<UnaryMethods[K]>>;
  };
  /** What each server stream sends before it ends; a thrown error ends it with that problem. */
  readonly streams?: Readonly<Record<string, (request: unknown) => AsyncIterable<unknown> | Iterable<unknown>>>;
  readonly pushed?: (bytes: number) => { readonly digest: string; readonly existed: boolean };
}

/** A coordinator over real gRPC that answers what the test says, on a port of its own. */
export async function startFakeCoordinator(answers: FakeAnswers): Promise<FakeCoordinator> {
  const server = new Server();
  const asked: { method: string; request: unknown }[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    server.addService(OperatorServiceService, implementation(answers, asked));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

function implementation(
  answers: FakeAnswers,
  asked: { method: string; request: unknown }[],
): UntypedServiceImplementation {
  const unary = Object.entries(answers.unary ?? {}).map(([method, answer]) => [
    method,
    (call: { readonly request: unknown }, callback: (error: unknown, value?: unknown) => void) => {
      asked.push({ method, request: call.request });
      Promise.resolve()
        .then(() => (answer as Answer<unknown, unknown>)(call.request))
        .then(
          (value) => callback(null, value),
          (error: unknown) => callback(toServiceError(error)),
        );
    },
  ]);
  const streams = Object.entries(answers.streams ?? {}).map(([method, messages]) => [
    method,
    async (call: {
      readonly request: unknown;
      write(value: unknown): void;
      end(): void;
      emit(name: string, error: unknown): void;
    }) => {
      asked.push({ method, request: call.request });
      try {
        for await (const message of messages(call.request)) call.write(message);
        call.end();
      } catch (error) {
        call.emit("error", toServiceError(error));
      }
    },
  ]);
  return Object.fromEntries([...unary, ...streams, ...pushHandler(answers, asked)]);
}

function pushHandler(answers: FakeAnswers, asked: { method: string; request: unknown }[]): [string, unknown][] {
  const { pushed } = answers;
  if (pushed === undefined) return [];
  const handler = async (
    call: AsyncIterable<{ message?: { $case: string; value: unknown } }>,
    callback: (error: unknown, value?: unknown) => void,
  ): Promise<void> => {
    let bytes = 0;
    for await (const { message } of call) {
      if (message?.$case === "chunk") bytes += (message.value as Buffer).length;
      else asked.push({ method: "pushRelease", request: message?.value });
    }
    callback(null, pushed(bytes));
  };
  return [["pushRelease", handler]];
}

/** A rollout of one site over one host, in work; say only what is unusual. */
export function rolloutOf(unusual: Partial<Rollout> = {}): Rollout {
  return Rollout.fromPartial({
    id: "r-1",
    kind: "release",
    title: "shop 2",
    sites: ["shop"],
    by: "anna",
    createdAtMs: 1000,
    phase: "activating",
    statusLine: "activating wave 1 of 1 in acceptance",
    stages: [
      {
        environment: "acceptance",
        soakMs: 0,
        approval: [],
        gates: [],
        waves: [{ steps: [{ host: "at-1", state: "activating", units: ["site:shop"] }] }],
      },
    ],
    currentStage: 0,
    currentWave: 0,
    ...unusual,
  });
}
