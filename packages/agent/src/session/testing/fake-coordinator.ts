import { once } from "node:events";
import { createReadStream } from "node:fs";
import { Server, ServerCredentials, type ServerDuplexStream, type ServerWritableStream, status } from "@grpc/grpc-js";
import { canonicalJson, type HostObservation, type Intent } from "@sluice/core";
import { encodeIntent, fromWireObservation } from "@sluice/protocol";
import {
  AgentServiceService,
  type FetchArtifactRequest,
  type FetchArtifactResponse,
  type Hello,
  type IntentJudgement,
  type ProbeBatch,
  type RecheckOrder,
  type SessionRequest,
  type SessionResponse,
  type TrafficBatch,
} from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { sha256Text } from "@sluice/runtime";

type Stream = ServerDuplexStream<SessionRequest, SessionResponse>;

/** Speaks to one agent over real gRPC and remembers what it said. */
export class FakeCoordinator implements AsyncDisposable {
  readonly address: string;
  readonly hellos: Hello[] = [];
  readonly judgements: IntentJudgement[] = [];
  readonly batches: ProbeBatch[] = [];
  readonly trafficBatches: TrafficBatch[] = [];
  readonly artifacts = new Map<string, string>();
  observation: HostObservation | undefined;
  acknowledge = true;
  /** 0: an older coordinator, which takes no traffic. */
  trafficBatchMax = 100;
  /** Whether this one knows the unit. */
  keepers = true;
  /** Its clock against that of this machine. */
  aheadMs = 0;
  readonly #server: Server;
  #stream: Stream | undefined;
  #intent: Intent | undefined;

  constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  get connected(): boolean {
    return this.#stream !== undefined;
  }

  /** Sends an intent now, and again to every session that begins. */
  order(intent: Omit<Intent, "digest">): Intent {
    this.#intent = { ...intent, digest: sha256Text(canonicalJson(intent.body)) };
    this.#sendIntent();
    return this.#intent;
  }

  /** Ends the session as a failing coordinator would. */
  hangUp(): void {
    this.#stream?.emit("error", Object.assign(new Error("gone"), { code: status.UNAVAILABLE }));
  }

  recheck(order: RecheckOrder): void {
    this.#stream?.write({ message: { $case: "recheckOrder", value: order } });
  }

  session(stream: Stream): void {
    this.#stream = stream;
    stream.on("data", (request: SessionRequest) => this.#hear(stream, request));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    stream.on("end", () => stream.end());
  }

  async fetchArtifact(call: ServerWritableStream<FetchArtifactRequest, FetchArtifactResponse>): Promise<void> {
    const file = this.artifacts.get(call.request.digest);
    if (file === undefined) return void call.destroy(new Error("no such artifact"));
    for await (const chunk of createReadStream(file)) {
      if (!call.write({ chunk })) await once(call, "drain");
    }
    call.end();
  }

  #hear(stream: Stream, { message }: SessionRequest): void {
    switch (message?.$case) {
      case "hello":
        this.hellos.push(message.value);
        stream.write({
          message: {
            $case: "welcome",
            value: {
              ...{ heartbeatMs: 1000, reconnectAfterMs: 50, probeBatchMax: 100, fence: this.#intent?.fence ?? 1 },
              ...{ keepers: this.keepers, trafficBatchMax: this.trafficBatchMax, nowMs: this.#now() },
            },
          },
        });
        this.#sendIntent();
        return;
      case "observation":
        if (message.value.observation !== undefined) this.observation = fromWireObservation(message.value.observation);
        return;
      case "intentJudgement":
        this.judgements.push(message.value);
        return;
      case "probeBatch": {
        this.batches.push(message.value);
        const { seq, epoch } = message.value;
        const value = { seq, epoch, nowMs: this.#now() };
        if (this.acknowledge) stream.write({ message: { $case: "probeBatchAck", value } });
        return;
      }
      case "trafficBatch": {
        this.trafficBatches.push(message.value);
        const { seq, epoch } = message.value;
        const value = { seq, epoch, nowMs: this.#now() };
        if (this.acknowledge) stream.write({ message: { $case: "trafficBatchAck", value } });
        return;
      }
    }
  }

  #now(): number {
    return Date.now() + this.aheadMs;
  }

  #sendIntent(): void {
    if (this.#intent !== undefined)
      this.#stream?.write({ message: { $case: "intent", value: encodeIntent(this.#intent) } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

export async function startFakeCoordinator(port = 0): Promise<FakeCoordinator> {
  const server = new Server();
  const fake: { current?: FakeCoordinator } = {};
  server.addService(AgentServiceService, {
    session: (stream: Stream) => fake.current?.session(stream),
    fetchArtifact: (call: ServerWritableStream<FetchArtifactRequest, FetchArtifactResponse>) =>
      fake.current?.fetchArtifact(call),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    );
  });
  fake.current = new FakeCoordinator(server, bound);
  return fake.current;
}
