import type { handleServerStreamingCall, handleUnaryCall, Metadata, ServerWritableStream } from "@grpc/grpc-js";
import { toServiceError } from "@sluice/protocol";
import type { Authenticate, Principal } from "./principal.ts";

/** What every handler needs to know about the call besides its message. */
export interface Caller {
  readonly principal: Principal;
  /** Aborts when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

export interface CallSeams {
  readonly authenticate: Authenticate;
  /** Told of failures that are not the caller's. */
  readonly onFailure: (error: unknown, path: string) => void;
}

interface SurfaceCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getPath(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

/** Who calls, and a signal that lives as long as the call. */
export function callerOf(call: SurfaceCall, seams: CallSeams): Caller {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  return { principal: seams.authenticate(call.metadata, call.getPeer()), signal: gone.signal };
}

/** A unary method from a function; whatever it throws reaches the caller as a problem with its reason. */
export function unary<Q, A>(
  seams: CallSeams,
  answer: (request: Q, caller: Caller) => A | Promise<A>,
): handleUnaryCall<Q, A> {
  return (call, callback) => {
    Promise.try(() => answer(call.request, callerOf(call, seams))).then(
      (response) => callback(null, response),
      (error: unknown) => {
        seams.onFailure(error, call.getPath());
        callback(toServiceError(error));
      },
    );
  };
}

/** A server-streaming method from an async iterable; it is read no faster than the caller takes it. */
export function streaming<Q, A>(
  seams: CallSeams,
  answer: (request: Q, caller: Caller) => AsyncIterable<A>,
): handleServerStreamingCall<Q, A> {
  return (call) => {
    pour(call, seams, answer).catch((error: unknown) => {
      seams.onFailure(error, call.getPath());
      call.emit("error", toServiceError(error));
    });
  };
}

async function pour<Q, A>(
  call: ServerWritableStream<Q, A>,
  seams: CallSeams,
  answer: (request: Q, caller: Caller) => AsyncIterable<A>,
): Promise<void> {
  const caller = callerOf(call, seams);
  for await (const message of answer(call.request, caller)) {
    if (caller.signal.aborted) return;
    if (!call.write(message)) await drained(call, caller.signal);
  }
  if (!caller.signal.aborted) call.end();
}

/** Resolves when the stream takes more, or when its reader has gone. */
export function drained(emitter: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const go = (): void => {
      emitter.off("drain", go);
      signal.removeEventListener("abort", go);
      resolve();
    };
    emitter.once("drain", go);
    signal.addEventListener("abort", go, { once: true });
  });
}
