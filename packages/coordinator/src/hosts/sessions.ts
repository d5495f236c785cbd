import { Problem } from "@sluice/core";
import { encodeIntent, fromWireObservation } from "@sluice/protocol";
import type {
  Hello,
  IntentJudgement,
  ProbeBatch,
  RecheckOrder,
  SessionRequest,
  TrafficBatch,
  Welcome,
} from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { AgentMemory } from "../leadership.ts";
import type { IntentDesk } from "./intent-desk.ts";
import { ProbeDesk } from "./probe-desk.ts";
import type { Roster } from "./roster.ts";
import { Session, type SessionCall, type SessionOwner } from "./session.ts";

export interface SessionsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly roster: Roster;
  readonly intents: IntentDesk;
  readonly heartbeatMs: number;
  readonly isHost: (host: string) => boolean;
  readonly fence: () => number;
  /** False: nobody is sent an intent. */
  readonly mayLead: () => boolean;
  /** Compares what the agent remembers with the store. */
  readonly meet: (agent: AgentMemory) => void;
  /** The results of a batch are counted and on disk when this returns. */
  readonly count: (host: string, batch: ProbeBatch) => void;
  /** The same for blocks of traffic. */
  readonly countTraffic: (host: string, batch: TrafficBatch) => void;
  /** A host of the fleet comes in. */
  readonly onAdmitted: (host: string) => void;
  /** There is a new observation of the host. */
  readonly onObserved: (host: string) => void;
  /** A host has said something new, has come or has gone. */
  readonly wake: () => void;
  /** There is more evidence. */
  readonly counted: () => void;
}

/** Results an agent may send in one batch. */
const probeBatchMax = 500;

/** Blocks of traffic in one batch: a block interval of a host with 500 ways, or of a smaller one what an hour's absence left behind. */
const trafficBatchMax = 2000;

/** Handling a session costs about 2 ms; a window of twice that for each agent spreads a whole fleet (control-plane §0). */
const reconnectMsPerAgent = 4;
const reconnectMsMin = 500;

/** The open sessions: one for each host, the newest. Reads what agents say, sends them what the store says. */
export class Sessions implements SessionOwner {
  readonly probes: ProbeDesk;
  readonly #options: SessionsOptions;
  readonly #open = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.probes = new ProbeDesk(options.clock, (host) => this.#open.get(host));
  }

  serve(call: SessionCall): void {
    new Session(call, this);
  }

  /** Sends the newest intent of a host to its agent, if it is here. */
  push(host: string): void {
    const intent = this.#options.mayLead() ? this.#options.intents.newest(host, this.#options.fence()) : undefined;
    if (intent !== undefined) this.#open.get(host)?.sendIntent(encodeIntent(intent));
  }

  /** Asks those of the hosts that are here to probe a site more often for a while; the others are not worth waiting for. */
  recheck(hosts: readonly string[], order: RecheckOrder): void {
    for (const host of hosts) this.#open.get(host)?.send({ $case: "recheckOrder", value: order });
  }

  /** Ends sessions that have said nothing for so long that their connection must be dead. */
  closeSilent(): void {
    for (const [host, session] of this.#open) {
      if (this.#options.roster.find(host).connected) continue;
      this.#options.log.warn({ host, silentForMs: this.#options.roster.silentAfterMs }, "host.silent");
      session.goAway("nothing heard", this.#reconnectAfterMs());
    }
  }

  closeAll(reason: string): void {
    for (const session of [...this.#open.values()]) session.goAway(reason, this.#reconnectAfterMs());
  }

  admit(hello: Hello, session: Session): Welcome {
    const { host, maxFence, generation, intentDigest } = hello;
    const options = this.#options;
    options.meet({ host, maxFence, generation, intentDigest });
    if (!options.isHost(host)) {
      throw new Problem(
        "host-unknown",
        `cannot open session of host '${host}': it is in no environment of the applied fleet`,
        {
          hint: "add it to the fleet file and run: sluice apply -f fleet.yaml",
        },
      );
    }
    options.onAdmitted(host);
    const older = this.#open.get(host);
    this.#open.set(host, session);
    older?.goAway("a newer session of this host is open", this.#reconnectAfterMs());
    options.log.info({ host, generation, agent: hello.agentVersion }, "host.connected");
    return {
      heartbeatMs: options.heartbeatMs,
      reconnectAfterMs: this.#reconnectAfterMs(),
      probeBatchMax,
      fence: options.fence(),
      trafficBatchMax,
      keepers: true,
      nowMs: options.clock.now(),
    };
  }

  receive(host: string, message: SessionRequest["message"], session: Session): void {
    const { roster, wake } = this.#options;
    roster.heard(host);
    switch (message?.$case) {
      case "hello":
        this.#sendUnlessThere(host, message.value);
        wake();
        break;
      case "observation":
        if (message.value.observation !== undefined) roster.observed(observationOf(host, message.value.observation));
        this.#options.onObserved(host);
        wake();
        break;
      case "probeBatch":
        this.#count(host, message.value, session);
        break;
      case "trafficBatch":
        this.#countTraffic(host, message.value, session);
        break;
      case "intentJudgement":
        this.#judged(host, message.value);
        break;
      case "probeAnswer":
        this.probes.answered(host, message.value);
        break;
      case "heartbeat":
      // A kind of message that only a newer agent knows is not understood and not fatal.
      case undefined:
        break;
    }
  }

  left(host: string, session: Session): void {
    if (this.#open.get(host) !== session) return;
    this.#open.delete(host);
    this.probes.left(host);
    this.#options.log.info({ host }, "host.disconnected");
    this.#options.wake();
  }

  failed(host: string | undefined, error: unknown): void {
    this.#options.log.warn({ host, err: error }, "session.refused");
  }

  #reconnectAfterMs(): number {
    return Math.max(reconnectMsMin, this.#open.size * reconnectMsPerAgent);
  }

  #sendUnlessThere(host: string, hello: Hello): void {
    const newest = this.#options.intents.newest(host, this.#options.fence());
    if (newest === undefined) return;
    const there = newest.generation === hello.generation && newest.digest === hello.intentDigest;
    if (!there || hello.wantsIntent) this.push(host);
  }

  #count(host: string, batch: ProbeBatch, session: Session): void {
    this.#options.count(host, batch);
    session.send({ $case: "probeBatchAck", value: this.#counted(batch) });
    this.#options.counted();
  }

  #countTraffic(host: string, batch: TrafficBatch, session: Session): void {
    this.#options.countTraffic(host, batch);
    session.send({ $case: "trafficBatchAck", value: this.#counted(batch) });
    this.#options.counted();
  }

  #counted({ seq, epoch }: ProbeBatch | TrafficBatch) {
    return { seq, epoch, nowMs: this.#options.clock.now() };
  }

  #judged(host: string, judgement: IntentJudgement): void {
    const { generation, verdict, sentence } = judgement;
    if (verdict === "apply" || verdict === "already-applied") return;
    this.#options.log.error({ host, generation, verdict, sentence }, "intent.refused");
  }
}

function observationOf(
  host: string,
  wire: Parameters<typeof fromWireObservation>[0],
): ReturnType<typeof fromWireObservation> {
  const observation = fromWireObservation(wire);
  if (observation.host === host) return observation;
  throw new Problem(
    "message-invalid",
    `cannot take observation of host '${observation.host}' from the agent of '${host}'`,
  );
}
