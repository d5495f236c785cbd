import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "@sluice/core/problems/problem";
import { callControl, streamControl } from "@sluice/runtime/control/call-control";
import type { Method } from "@sluice/runtime/control/route";
import { z } from "zod";
import {
  type ChildSignal,
  type ChildSpec,
  type ChildWait,
  childWait,
  type HandoverDone,
  handoverDone,
  type KeeperEvent,
  type KeeperStateFile,
  type KeeperStatus,
  type KeptChild,
  type KeptSocket,
  keeperEvent,
  keeperStateFile,
  keeperStatus,
  keptChild,
  keptSocket,
  type SocketSpec,
} from "./keeper-api.ts";

import { keeperPatience } from "./keeper-patience.ts";

/**
 * The keeper as the agent sees it. Every call but `handover` may be repeated, and is repeated here for a moment while nobody
 * answers, so that a handover between keepers goes unnoticed; after that `keeper-unreachable` is thrown.
 */
export interface KeeperClient {
  status(): Promise<KeeperStatus>;
  /** What its state file has to hold; nothing when a keeper does not tell, as older ones don't. */
  stateFile(): Promise<KeeperStateFile>;
  rewriteState(): Promise<void>;
  /** Binds if absent. Throws `port-taken` or `socket-conflict` (kept with another address). */
  ensureSocket(name: string, spec: SocketSpec): Promise<KeptSocket>;
  closeSocket(name: string): Promise<void>;
  /** Starts if absent; one that has exited stays exited until it is removed. Throws `spawn-failed` or `child-conflict`. */
  ensureChild(id: string, spec: ChildSpec): Promise<KeptChild>;
  /** Throws `child-unknown`. */
  child(id: string): Promise<KeptChild>;
  /** Answers at the end of the present run, or with `exited: false` after `timeoutMs`. */
  waitChild(id: string, timeoutMs: number, signal?: AbortSignal): Promise<ChildWait>;
  signalChild(id: string, signal: ChildSignal): Promise<void>;
  /** SIGTERM, after `graceMs` SIGKILL; resolves when it is gone. Content when there is no such child. */
  removeChild(id: string, graceMs: number): Promise<void>;
  /** Resolves when a successor started with `command` is in charge of everything. */
  handover(command: string, args: readonly string[]): Promise<HandoverDone>;
  /** From the first event (`subscribed`) on nothing is missed. Ends when this keeper does: subscribe again and read the status. */
  events(signal?: AbortSignal): AsyncIterable<KeeperEvent>;
}

interface AskOptions {
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Covers the gap in which one keeper has stopped deciding and the next has not begun. */
const retryForMsDefault = 3000;
const retryEveryMs = 50;
const handoverMs = 30_000;
/** Beyond the time the keeper was asked to take. */
const slackMs = 5000;

const nothing = z.unknown();

/** A client for the keeper at `socketPath`; opens no connection until it is asked for something. */
export function openKeeper(
  socketPath: string,
  { retryForMs = retryForMsDefault, patience = keeperPatience } = {},
): KeeperClient {
  const once = <T>(method: Method, url: string, schema: z.ZodType<T>, options: AskOptions = {}): Promise<T> =>
    askKeeper(socketPath, method, url, schema, { timeoutMs: patience.answerWithinMs, ...options });
  const ask: typeof once = (...call) => retried(() => once(...call), retryForMs);
  const ofSocket = (name: string) => `/sockets/${encodeURIComponent(name)}`;
  const ofChild = (id: string) => `/children/${encodeURIComponent(id)}`;
  return {
    status: together(() => ask("GET", "/status", keeperStatus)),
    stateFile: () => once("GET", "/state-file", keeperStateFile).catch(() => ({})),
    rewriteState: async () => void (await ask("PUT", "/state-file", nothing)),
    ensureSocket: (name, spec) => ask("PUT", ofSocket(name), keptSocket, { body: spec }),
    closeSocket: async (name) => void (await ask("DELETE", ofSocket(name), nothing)),
    ensureChild: (id, spec) => ask("PUT", ofChild(id), keptChild, { body: spec }),
    child: (id) => ask("GET", ofChild(id), keptChild),
    waitChild: (id, timeoutMs, signal) =>
      ask("GET", `${ofChild(id)}/wait?timeoutMs=${Math.round(timeoutMs)}`, childWait, {
        timeoutMs: timeoutMs + slackMs,
        ...(signal === undefined ? {} : { signal }),
      }),
    signalChild: async (id, signal) => void (await ask("POST", `${ofChild(id)}/signal`, nothing, { body: { signal } })),
    removeChild: async (id, graceMs) =>
      void (await ask("DELETE", ofChild(id), nothing, { body: { graceMs }, timeoutMs: graceMs + slackMs })),
    handover: (command, args) =>
      once("POST", "/handover", handoverDone, { body: { command, args }, timeoutMs: handoverMs }),
    events: (signal) => keeperEvents(socketPath, signal),
  };
}

/** Those who ask in the same breath, before the question is sent, share its answer. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  const send = (): Promise<T> => {
    asked = undefined;
    return ask();
  };
  return () => {
    asked ??= Promise.resolve().then(send);
    return asked;
  };
}

/** One question, not repeated. Unknown members of the answer are ignored: keeper and agent may be of different builds. */
export async function askKeeper<T>(
  socketPath: string,
  method: Method,
  url: string,
  schema: z.ZodType<T>,
  { body, ...options }: AskOptions = {},
): Promise<T> {
  const answer = await callControl(socketPath, method, url, body, { ...options, unreachable: "keeper-unreachable" });
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new Problem("message-invalid", `cannot read the keeper's answer to ${method} ${url}`, { cause: parsed.error });
}

async function retried<T>(ask: () => Promise<T>, forMs: number): Promise<T> {
  const deadline = performance.now() + forMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const again = error instanceof Problem && error.reason === "keeper-unreachable" && performance.now() < deadline;
      if (!again) throw error;
    }
    await delay(retryEveryMs);
  }
}

async function* keeperEvents(socketPath: string, signal: AbortSignal | undefined): AsyncGenerator<KeeperEvent> {
  const options = { unreachable: "keeper-unreachable", ...(signal === undefined ? {} : { signal }) } as const;
  for await (const line of streamControl(socketPath, "/events", options)) {
    const event = keeperEvent.safeParse(line);
    if (event.success) yield event.data;
  }
}
