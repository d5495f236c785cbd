import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { HostObservation } from "@sluice/core";
import { keeperUnit } from "@sluice/core/intent/intent";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { durationMs, instant } from "@sluice/core/units/time";
import type {
  IntentOrder,
  ProbeBatchAck,
  ProbeOrder,
  SessionRequest,
  SessionResponse,
  TrafficBatchAck,
  Welcome,
} from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { decodeIntent } from "@sluice/protocol/intent-codec";
import { toWireObservation } from "@sluice/protocol/observation-codec";
import { toWireProbeResult } from "@sluice/protocol/probe-result-codec";
import { protocolVersion } from "@sluice/protocol/protocol-version";
import { toWireTraffic } from "@sluice/protocol/traffic-codec";
import { sha256Text } from "@sluice/runtime";
import type { Outbox } from "./outbox.ts";
import type { SessionOptions } from "./session-ports.ts";

type Message = NonNullable<SessionRequest["message"]>;

/** The coordinator's first word is a matter of a round trip; longer means that nobody is there. */
const welcomeWithinMs = 15_000;
/** Silence of the coordinator, while it owes an answer, after which the line is taken for dead. */
const silenceMsMax = 20_000;
/** An observation is sent when it has changed, and after this time all the same, in case the last one was lost on the other side. */
const observeEveryMs = 60_000;
/** Changes within this time travel together. */
const gatherMs = durationMs(20);
const lookEveryMs = durationMs(1000);

/** What goes in batches that are acknowledged, each in its own sequence. */
type Sending = "results" | "traffic";

/** One stream with the coordinator, from Hello to its end. */
export class Conversation {
  readonly #options: SessionOptions;
  readonly #stream: ClientDuplexStream<SessionRequest, SessionResponse>;
  readonly #over = new AbortController();
  readonly #startedAt: number;
  #welcome: Welcome | undefined;
  #toldAt = 0;
  #told = "";
  #seen: HostObservation | undefined;
  #beatAt = 0;
  #heardAt: number;
  #owedSince: number | undefined;
  /** What was sent last on this stream, and when. */
  readonly #sent: Record<Sending, { readonly seq: number; readonly at: number }>;
  #gathering = false;
  #obeying: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions, stream: ClientDuplexStream<SessionRequest, SessionResponse>) {
    this.#options = options;
    this.#stream = stream;
    this.#startedAt = options.clock.monotonic();
    this.#heardAt = this.#startedAt;
    this.#sent = { results: { seq: 0, at: this.#startedAt }, traffic: { seq: 0, at: this.#startedAt } };
  }

  get welcomed(): boolean {
    return this.#welcome !== undefined;
  }

  /** Resolves with the reason when the stream has ended, for whatever reason. */
  async run(signal: AbortSignal): Promise<string> {
    const ended = this.#untilEnd();
    const stop = () => this.#end("the agent stops");
    signal.addEventListener("abort", stop, { once: true });
    this.#hello();
    const watching = this.#watch();
    try {
      return await ended;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#over.abort();
      await watching;
    }
  }

  /** Something that the coordinator should hear may have changed. */
  changed(): void {
    if (this.#gathering || this.#welcome === undefined) return;
    this.#gathering = true;
    this.#options.clock.sleep(gatherMs, this.#over.signal).then(
      () => {
        this.#gathering = false;
        this.#tell();
      },
      () => undefined,
    );
  }

  #untilEnd(): Promise<string> {
    return new Promise((resolve) => {
      this.#stream.on("data", (response: SessionResponse) => this.#hear(response));
      this.#stream.on("error", (error: Error) => resolve(error.message));
      this.#stream.on("end", () => resolve("the coordinator ended the session"));
      this.#over.signal.addEventListener("abort", () => resolve(String(this.#over.signal.reason)), { once: true });
    });
  }

  #end(why: string): void {
    this.#over.abort(why);
    this.#stream.cancel();
  }

  #send(message: Message): void {
    if (!this.#over.signal.aborted && this.#stream.writable) this.#stream.write({ message });
  }

  #hello(): void {
    const { host, agentVersion, memory } = this.#options;
    const { maxFence, generation, digest, wantsIntent } = memory();
    this.#send({
      $case: "hello",
      value: { host, protocolVersion, agentVersion, maxFence, generation, intentDigest: digest, wantsIntent },
    });
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#over.signal.aborted) {
      await clock.sleep(lookEveryMs, this.#over.signal).catch(() => undefined);
      if (this.#over.signal.aborted) return;
      const now = clock.monotonic();
      if (this.#welcome === undefined) {
        if (now - this.#startedAt >= welcomeWithinMs) this.#end("no welcome in time");
        continue;
      }
      if (this.#owedSince !== undefined && now - Math.max(this.#owedSince, this.#heardAt) >= silenceMsMax) {
        this.#end("the coordinator has fallen silent");
        return;
      }
      this.#tell();
    }
  }

  /** Everything that is due: observation, results, heartbeat. */
  #tell(): void {
    if (this.#welcome === undefined) return;
    this.#tellObservation();
    this.#tellResults();
    this.#tellTraffic();
    const { clock } = this.#options;
    if (clock.monotonic() - this.#beatAt < this.#welcome.heartbeatMs) return;
    this.#beatAt = clock.monotonic();
    this.#send({ $case: "heartbeat", value: { atMs: clock.now() } });
  }

  #tellObservation(): void {
    const { clock, observation } = this.#options;
    const seen = observation();
    if (seen === undefined) return;
    const isDue = clock.monotonic() - this.#toldAt >= observeEveryMs;
    if (seen === this.#seen && !isDue) return;
    this.#seen = seen;
    const { at: _, ...content } = this.#welcome?.keepers === true ? seen : withoutKeeper(seen);
    const text = canonicalJson(content);
    if (text === this.#told && !isDue) return;
    this.#told = text;
    this.#toldAt = clock.monotonic();
    this.#send({ $case: "observation", value: { observation: toWireObservation({ ...content, at: clock.now() }) } });
  }

  #tellResults(): void {
    const { results, epoch } = this.#options;
    const batch = this.#due("results", results, this.#welcome?.probeBatchMax || 500);
    if (batch === undefined) return;
    const { seq, dropped, items } = batch;
    this.#send({ $case: "probeBatch", value: { seq, dropped, epoch, results: items.map(toWireProbeResult) } });
  }

  #tellTraffic(): void {
    const { traffic, epoch } = this.#options;
    const blocksMax = this.#welcome?.trafficBatchMax ?? 0;
    const batch = blocksMax === 0 ? undefined : this.#due("traffic", traffic, blocksMax);
    if (batch === undefined) return;
    const { seq, dropped, items } = batch;
    this.#send({ $case: "trafficBatch", value: { seq, dropped, epoch, series: toWireTraffic(items) } });
  }

  /** One batch at a time; on a new stream the one under way goes first, again. */
  #due<Item>(sending: Sending, outbox: Outbox<Item>, itemsMax: number) {
    const batch = outbox.batch(itemsMax);
    if (batch === undefined || batch.seq === this.#sent[sending].seq) return undefined;
    const at = this.#options.clock.monotonic();
    this.#sent[sending] = { seq: batch.seq, at };
    this.#owedSince ??= at;
    return batch;
  }

  /** True when the batch under way has arrived and another may be sent. */
  #acknowledged(sending: Sending, { seq, epoch, nowMs }: ProbeBatchAck | TrafficBatchAck): boolean {
    const { results, traffic, clock } = this.#options;
    const outbox = sending === "results" ? results : traffic;
    if (epoch !== this.#options.epoch || !outbox.acknowledge(seq)) return false;
    this.#owedSince = results.awaitsAck || traffic.awaitsAck ? clock.monotonic() : undefined;
    this.#heardTime(this.#sent[sending].at, nowMs);
    return true;
  }

  /** Coordinators of before say nothing of their time. */
  #heardTime(askedAt: number, nowMs: number): void {
    const { clock, coordinatorTime } = this.#options;
    if (nowMs > 0) coordinatorTime.heard({ askedAt, heardAt: clock.monotonic(), theirs: instant(nowMs) });
  }

  #hear({ message }: SessionResponse): void {
    this.#heardAt = this.#options.clock.monotonic();
    switch (message?.$case) {
      case "welcome":
        this.#options.keepReconnectAfter(message.value.reconnectAfterMs);
        this.#welcome = message.value;
        this.#heardTime(this.#startedAt, message.value.nowMs);
        this.#tell();
        return;
      case "intent":
        this.#obeying = this.#obeying.then(() => this.#judge(message.value));
        return;
      case "probeBatchAck":
        if (this.#acknowledged("results", message.value)) this.#tellResults();
        return;
      case "trafficBatchAck":
        if (this.#acknowledged("traffic", message.value)) this.#tellTraffic();
        return;
      case "recheckOrder": {
        const { site, everyMs, untilMs } = message.value;
        this.#options.recheck({ site, everyMs: durationMs(everyMs), until: instant(untilMs) });
        return;
      }
      case "probeOrder":
        void this.#probe(message.value);
        return;
      case "goAway":
        this.#options.keepReconnectAfter(message.value.reconnectAfterMs);
        this.#end(`sent away: ${message.value.reason}`);
        return;
      case undefined:
        return;
    }
  }

  async #judge(order: IntentOrder): Promise<void> {
    const { generation } = order;
    try {
      const judgement = await this.#options.obey(decodeIntent(order, sha256Text));
      this.#send({ $case: "intentJudgement", value: judgement });
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ generation, sentence }, "intent.unreadable");
      this.#send({ $case: "intentJudgement", value: { generation, verdict: "unreadable", sentence } });
    }
    this.changed();
  }

  async #probe({ id, site }: ProbeOrder): Promise<void> {
    try {
      const results = await this.#options.askSite(site, this.#over.signal);
      this.#send({ $case: "probeAnswer", value: { id, results: results.map(toWireProbeResult), refusal: undefined } });
    } catch (error) {
      const refusal = error instanceof Error ? error.message : String(error);
      this.#send({ $case: "probeAnswer", value: { id, results: [], refusal } });
    }
  }
}

/** For a coordinator that would refuse a unit which it does not know. */
const withoutKeeper = (seen: HostObservation): HostObservation => ({
  ...seen,
  units: seen.units.filter(({ unit }) => unit !== keeperUnit),
});
