import { AgentServiceClient } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Running } from "@sluice/runtime";
import { reconnectDelay } from "./back-off.ts";
import { channelOptions } from "./channel-options.ts";
import { Conversation } from "./conversation.ts";
import type { SessionOptions } from "./session-ports.ts";

export interface Session extends Running {
  readonly connected: boolean;
  /** What the host says of itself may have changed, or there are new probe results. */
  changed(): void;
}

/** Keeps a stream open to the coordinator for as long as it runs. Its absence changes nothing for traffic. */
export function startSession(options: SessionOptions): Session {
  return new SessionLoop(options);
}

class SessionLoop implements Session {
  readonly done: Promise<void>;
  readonly #options: SessionOptions;
  readonly #stop = new AbortController();
  #conversation: Conversation | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  get connected(): boolean {
    return this.#conversation?.welcomed ?? false;
  }

  changed(): void {
    this.#conversation?.changed();
  }

  async #run(): Promise<void> {
    const { clock, chance, reconnectAfterMs, log, coordinator } = this.#options;
    let awaySince = clock.monotonic();
    while (!this.#stop.signal.aborted) {
      const { welcomed, why } = await this.#once();
      if (this.#stop.signal.aborted) return;
      if (welcomed) awaySince = clock.monotonic();
      const wait = reconnectDelay(reconnectAfterMs(), clock.monotonic() - awaySince, chance());
      log.warn({ coordinator, why, againInMs: wait }, "session.ended");
      await clock.sleep(wait, this.#stop.signal).catch(() => undefined);
    }
  }

  async #once(): Promise<{ readonly welcomed: boolean; readonly why: string }> {
    const { coordinator, credentials } = this.#options;
    const client = new AgentServiceClient(coordinator, credentials.channelCredentials(), channelOptions);
    try {
      const conversation = new Conversation(this.#options, client.session());
      this.#conversation = conversation;
      const why = await conversation.run(this.#stop.signal);
      return { welcomed: conversation.welcomed, why };
    } finally {
      this.#conversation = undefined;
      client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}
