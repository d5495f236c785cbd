import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { protocolVersion, toServiceError } from "@sluice/protocol";
import type {
  Hello,
  IntentOrder,
  SessionRequest,
  SessionResponse,
  Welcome,
} from "@sluice/protocol/generated/sluice/agent/v1/agent";

export type SessionCall = ServerDuplexStream<SessionRequest, SessionResponse>;

/** What a session needs from the coordinator it belongs to. */
export interface SessionOwner {
  /** Throws a problem when the host may not come in; otherwise the session is the host's from now on. */
  admit(hello: Hello, session: Session): Welcome;
  /** Every message after Hello; throws to end the session. */
  receive(host: string, message: SessionRequest["message"], session: Session): void;
  left(host: string, session: Session): void;
  failed(host: string | undefined, error: unknown): void;
}

/** One stream of one agent. Says Hello first, then is its host until it ends or a newer one takes its place. */
export class Session {
  readonly #call: SessionCall;
  readonly #owner: SessionOwner;
  #host: string | undefined;
  #congested = false;
  /** The newest intent that waits for room in the stream; older ones are not worth sending any more. */
  #waitingOrder: IntentOrder | undefined;
  #open = true;

  constructor(call: SessionCall, owner: SessionOwner) {
    this.#call = call;
    this.#owner = owner;
    call.on("data", (request: SessionRequest) => this.#receive(request));
    call.on("end", () => this.close());
    call.on("cancelled", () => this.#leave());
    call.on("error", () => this.#leave());
    call.on("drain", () => this.#drained());
  }

  send(message: SessionResponse["message"]): void {
    if (this.#open && !this.#call.write({ message })) this.#congested = true;
  }

  /** Sends the intent now, or the newest one as soon as the stream takes it. */
  sendIntent(order: IntentOrder): void {
    if (this.#congested) this.#waitingOrder = order;
    else this.send({ $case: "intent", value: order });
  }

  /** Ends the stream in good order. */
  close(): void {
    if (!this.#open) return;
    this.#leave();
    this.#call.end();
  }

  /** Tells the agent why, and when to come back. */
  goAway(reason: string, reconnectAfterMs: number): void {
    this.send({ $case: "goAway", value: { reason, reconnectAfterMs } });
    this.close();
  }

  #receive(request: SessionRequest): void {
    if (!this.#open) return;
    try {
      if (this.#host === undefined) this.#hello(request.message);
      else this.#owner.receive(this.#host, request.message, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  #hello(message: SessionRequest["message"]): void {
    if (message?.$case !== "hello") {
      throw new Problem("message-invalid", "cannot open session: its first message is not Hello");
    }
    const hello = message.value;
    if (hello.protocolVersion !== protocolVersion) {
      throw new Problem(
        "message-invalid",
        `cannot open session of host '${hello.host}': its agent speaks protocol ${hello.protocolVersion}, this coordinator ${protocolVersion}`,
        { hint: "bring agent and coordinator to the same version" },
      );
    }
    const welcome = this.#owner.admit(hello, this);
    this.#host = hello.host;
    this.send({ $case: "welcome", value: welcome });
    this.#owner.receive(hello.host, message, this);
  }

  #fail(error: unknown): void {
    this.#owner.failed(this.#host, error);
    this.#leave();
    this.#call.emit("error", toServiceError(error));
  }

  #drained(): void {
    this.#congested = false;
    const order = this.#waitingOrder;
    this.#waitingOrder = undefined;
    if (order !== undefined) this.sendIntent(order);
  }

  #leave(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#host !== undefined) this.#owner.left(this.#host, this);
  }
}
