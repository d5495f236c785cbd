import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { fromServiceError } from "@sluice/protocol";
import {
  type GetStatusResponse,
  OperatorServiceClient,
  type PushReleaseOpen,
  type PushReleaseResponse,
  type WatchEventsResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";

type Unary<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer: A) => void,
) => ClientUnaryCall;

/** An operator over the real protocol; rejections are problems. */
export class TestOperator implements Disposable {
  readonly client: OperatorServiceClient;
  readonly metadata = new Metadata();

  constructor(address: string, user = "ada") {
    this.client = new OperatorServiceClient(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    this.metadata.set("sluice-user", user);
  }

  ask<Q, A>(method: (client: OperatorServiceClient) => Unary<Q, A>, request: Q): Promise<A> {
    const call = method(this.client).bind(this.client);
    return new Promise((resolve, reject) => {
      call(request, this.metadata, {}, (error, answer) =>
        error === null ? resolve(answer) : reject(fromServiceError(error)),
      );
    });
  }

  apply(text: string) {
    return this.ask((client) => client.apply, { files: [{ name: "fleet.yaml", text }], overrides: [] });
  }

  plan(text: string) {
    return this.ask((client) => client.plan, { files: [{ name: "fleet.yaml", text }] });
  }

  /** Id of the rollout; fails when there was nothing to do. */
  async deploy(site: string, version: string, toEnvironment?: string): Promise<string> {
    const { rolloutId } = await this.ask((client) => client.deploy, { site, version, toEnvironment, overrides: [] });
    if (rolloutId === undefined) throw new Error(`nothing to do for ${site} ${version}`);
    return rolloutId;
  }

  command(id: string, verb: string, words: { reason?: string; role?: string } = {}) {
    return this.ask((client) => client.commandRollout, { id, verb, ...words });
  }

  async rollout(id: string): Promise<Rollout> {
    const { rollout } = await this.ask((client) => client.getRollout, { id });
    if (rollout === undefined) throw new Error(`no rollout ${id}`);
    return rollout;
  }

  status(): Promise<GetStatusResponse> {
    return this.ask((client) => client.getStatus, {});
  }

  push(open: PushReleaseOpen, chunks: readonly Buffer[]): Promise<PushReleaseResponse> {
    return new Promise((resolve, reject) => {
      const call = this.client.pushRelease(this.metadata, (error, answer) =>
        error === null ? resolve(answer) : reject(fromServiceError(error)),
      );
      call.on("error", () => undefined);
      call.write({ message: { $case: "open", value: open } });
      for (const value of chunks) call.write({ message: { $case: "chunk", value } });
      call.end();
    });
  }

  /** Every message of a stream until it ends. */
  async all<A>(open: (client: OperatorServiceClient) => ClientReadableStream<A>): Promise<readonly A[]> {
    const messages: A[] = [];
    for await (const message of open(this.client) as AsyncIterable<A>) messages.push(message);
    return messages;
  }

  events(): Promise<readonly WatchEventsResponse[]> {
    return this.all((client) => client.watchEvents({ afterSeq: 0, follow: false }, this.metadata));
  }

  /** The rollout as soon as `wanted` holds for it; watches, so that nothing is slept. */
  async until(id: string, wanted: (rollout: Rollout) => boolean): Promise<Rollout> {
    const stream = this.client.watchRollout({ id }, this.metadata);
    stream.on("error", () => undefined);
    let last: Rollout | undefined;
    try {
      for await (const { rollout } of stream as AsyncIterable<{ rollout?: Rollout }>) {
        last = rollout;
        if (rollout !== undefined && wanted(rollout)) return rollout;
      }
    } finally {
      stream.cancel();
    }
    throw new Error(`rollout ${id} ended as ${last?.phase}: ${last?.statusLine}`);
  }

  untilPhase(id: string, phase: string): Promise<Rollout> {
    return this.until(id, (rollout) => rollout.phase === phase);
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}
