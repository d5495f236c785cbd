import type { HostObservation, Intent, IntentMemory, ProbeResult, TrafficBlock } from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { CoordinatorTime } from "../probing-schedule/coordinator-time.ts";
import type { Recheck } from "../probing-schedule/start-probing.ts";
import type { Judgement } from "../reconcile/judgement.ts";
import type { AgentCredentials } from "./agent-credentials.ts";
import type { Outbox } from "./outbox.ts";

/** What a session with the coordinator needs of the agent. */
export interface SessionOptions {
  readonly host: string;
  readonly agentVersion: string;
  /** `host:port` */
  readonly coordinator: string;
  readonly credentials: AgentCredentials;
  readonly clock: Clock;
  readonly log: Log;
  /** A number from 0 up to 1; spreads reconnecting. */
  readonly chance: () => number;
  /** Names this life of the agent: sequence numbers of batches start anew with it. */
  readonly epoch: string;
  readonly memory: () => IntentMemory & { readonly wantsIntent: boolean };
  readonly obey: (intent: Intent) => Promise<Judgement>;
  /** Undefined until the host has been looked at; the same object as long as nothing has changed, so that asking is cheap. */
  readonly observation: () => HostObservation | undefined;
  readonly results: Outbox<ProbeResult>;
  /** Closed blocks; sent only to a coordinator that takes them. */
  readonly traffic: Outbox<TrafficBlock>;
  /** Learns from every answer that carries the coordinator's clock. */
  readonly coordinatorTime: Pick<CoordinatorTime, "heard">;
  /** Asks a site more often for a while. */
  readonly recheck: (recheck: Recheck) => void;
  /** Asks every binding of a site on every hop once; rejects with a sentence when it can't. */
  readonly askSite: (site: string, signal: AbortSignal) => Promise<readonly ProbeResult[]>;
  readonly reconnectAfterMs: () => number;
  /** Keeps the coordinator's window where it survives a restart. */
  readonly keepReconnectAfter: (ms: number) => void;
}
