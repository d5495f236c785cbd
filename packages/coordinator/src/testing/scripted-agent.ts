import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  type BootSeen,
  type CertificateObservation,
  type Drift,
  type Grant,
  type GrantObservation,
  type GrantProgress,
  type HostObservation,
  type Intent,
  instant,
  type PreviousRelease,
  type ProbeOutcome,
  type ProbeResult,
  type ProgramUnit,
  type RebootSeen,
  type RebootState,
  type TrafficBlock,
  type UnitKey,
  type UnitObservation,
} from "@sluice/core";
import { programRelease } from "@sluice/core/programs/program-release";
import { decodeIntent, protocolVersion, toWireObservation, toWireProbeResult, toWireTraffic } from "@sluice/protocol";
import {
  AgentServiceClient,
  type SessionRequest,
  type SessionResponse,
} from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { sha256Text } from "@sluice/runtime";
import { probesOf } from "./scripted-probes.ts";

/** How a scripted host behaves; everything it does not say goes well. */
export interface AgentScript {
  /** What becomes of a grant; `provisional` when absent. Asked again with every intent while it says `preparing`. */
  readonly onGrant?: (grant: Grant) => GrantProgress;
  /** Requests under way while it is drained; none when absent. */
  readonly open?: () => number;
  /** What was changed by hand; nothing when absent. */
  readonly drifts?: readonly Drift[];
  /** What its proxies present, by unit. */
  readonly certificates?: (unit: UnitKey) => readonly CertificateObservation[];
  /** What is kept startable of every site; nothing when absent. */
  readonly previous?: PreviousRelease;
  /** How a probe is answered; 200 when absent. Undefined: not asked at all. */
  readonly onProbe?: (probe: Omit<ProbeResult, "outcome">) => ProbeOutcome | undefined;
}

export interface ScriptedAgentOptions {
  /** Asked before each dial, so that a coordinator may come back elsewhere. */
  readonly address: () => string;
  readonly host: string;
  readonly script?: AgentScript;
  /** What it remembers of earlier coordinators. */
  readonly memory?: { readonly maxFence: number; readonly generation: number; readonly intentDigest: string };
  readonly heartbeatMs?: number;
  readonly probeEveryMs?: number;
  /** By what a reboot manager names it. */
  readonly rebootClientId?: string;
  /** What it takes the time to be; that of this machine when absent. */
  readonly now?: () => number;
  /** By which boot it runs at first. Absent: it does not say, and can't be told to reboot. */
  readonly bootId?: string;
  /** What its own program calls itself, as installed by hand; absent: it does not say, as one without a watchdog. */
  readonly agentVersion?: string;
  /** The same of the keeper. */
  readonly keeperVersion?: string;
}

/** A host that speaks the real protocol and does nothing but report what its script says. */
export interface ScriptedAgent extends AsyncDisposable {
  readonly host: string;
  /** The newest intent it obeyed. */
  readonly intent: Intent | undefined;
  /** Digest of what runs, by unit. */
  readonly running: ReadonlyMap<UnitKey, string>;
  /** Everything it was sent, oldest first. */
  readonly received: readonly NonNullable<SessionResponse["message"]>[];
  /** Why its sessions ended, oldest first. */
  readonly refusals: readonly string[];
  /** Replaces its script from now on and reports at once. */
  follow(script: AgentScript): void;
  /** Tells what became of the newest order to reboot. */
  tellReboot(state: RebootState, sentence: string): void;
  /** Runs by another boot from now on. */
  rebooted(bootId: string): void;
  /** Says nothing any more, with its stream still open; it dials no other one once that has been closed. */
  fallSilent(): void;
  /** Speaks again. */
  speak(): void;
  /** Asks every binding on every hop once, now. */
  probeNow(): void;
  /** Sends blocks of traffic as its next batch, or once more under a number it had before. Answers with that number. */
  sendTraffic(blocks: readonly TrafficBlock[], more?: { readonly dropped?: number; readonly seq?: number }): number;
  /** Sends its last probe batch once more, with the same sequence number. */
  repeatBatch(): void;
}

/** Dials the coordinator and obeys; dials again until it is disposed. */
export function startScriptedAgent(options: ScriptedAgentOptions): ScriptedAgent {
  return new Scripted(options);
}

const redialMs = 30;

class Scripted implements ScriptedAgent {
  readonly host: string;
  readonly running = new Map<UnitKey, string>();
  readonly received: NonNullable<SessionResponse["message"]>[] = [];
  readonly refusals: string[] = [];
  intent: Intent | undefined;
  readonly #options: ScriptedAgentOptions;
  readonly #now: () => number;
  readonly #grants = new Map<string, GrantObservation>();
  readonly #timers: NodeJS.Timeout[];
  readonly #epoch = `epoch-${process.pid}-${process.hrtime.bigint()}`;
  #script: AgentScript;
  #bootId: string | undefined;
  #rebootSeen: RebootSeen | undefined;
  #memory: { maxFence: number; generation: number; intentDigest: string };
  #client: AgentServiceClient | undefined;
  #stream: ClientDuplexStream<SessionRequest, SessionResponse> | undefined;
  #redial: NodeJS.Timeout | undefined;
  #welcome = false;
  #silent = false;
  #disposed = false;
  #seq = 0;
  #trafficSeq = 0;
  /** No two rounds are the same, however fast they follow each other. */
  #round = instant(0);
  #lastBatch: SessionRequest["message"];

  constructor(options: ScriptedAgentOptions) {
    this.#options = options;
    this.host = options.host;
    this.#now = options.now ?? Date.now;
    this.#bootId = options.bootId;
    this.#script = options.script ?? {};
    this.#memory = { ...(options.memory ?? { maxFence: 0, generation: 0, intentDigest: "" }) };
    this.#timers = [
      setInterval(() => this.#send({ $case: "heartbeat", value: { atMs: this.#now() } }), options.heartbeatMs ?? 20),
      setInterval(() => this.probeNow(), options.probeEveryMs ?? 20),
    ];
    this.#dial();
  }

  follow(script: AgentScript): void {
    this.#script = script;
    this.#obey();
    this.#report();
  }

  tellReboot(state: RebootState, sentence: string): void {
    const { id } = this.intent?.body.reboot ?? { id: "none" };
    this.#rebootSeen = { id, state, sentence };
    this.#report();
  }

  rebooted(bootId: string): void {
    this.#bootId = bootId;
    this.#report();
  }

  fallSilent(): void {
    this.#silent = true;
  }

  speak(): void {
    this.#silent = false;
    if (this.#stream?.closed === true) this.#dial();
    else this.#report();
  }

  repeatBatch(): void {
    if (this.#lastBatch !== undefined) this.#send(this.#lastBatch);
  }

  sendTraffic(
    blocks: readonly TrafficBlock[],
    more: { readonly dropped?: number; readonly seq?: number } = {},
  ): number {
    const { dropped = 0, seq = this.#trafficSeq + 1 } = more;
    this.#trafficSeq = Math.max(this.#trafficSeq, seq);
    const value = { seq, epoch: this.#epoch, series: toWireTraffic(blocks), dropped };
    this.#send({ $case: "trafficBatch", value });
    return seq;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#redial);
    this.#stream?.cancel();
    this.#client?.close();
  }

  #dial(): void {
    if (this.#disposed) return;
    this.#client?.close();
    this.#client = new AgentServiceClient(this.#options.address(), credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
    });
    const stream = this.#client.session();
    this.#stream = stream;
    stream.on("data", (response: SessionResponse) => this.#receive(response));
    stream.on("error", (error) => this.refusals.push(error.message));
    stream.on("close", () => this.#lost(stream));
    stream.on("end", () => stream.end());
    stream.write({ message: { $case: "hello", value: this.#hello() } });
  }

  #hello() {
    const { maxFence, generation, intentDigest } = this.#memory;
    return {
      host: this.host,
      protocolVersion,
      agentVersion: "scripted",
      maxFence,
      generation,
      intentDigest,
      wantsIntent: this.intent === undefined,
    };
  }

  #lost(stream: ClientDuplexStream<SessionRequest, SessionResponse>): void {
    if (this.#stream !== stream || this.#disposed) return;
    this.#welcome = false;
    if (!this.#silent) this.#redial = setTimeout(() => this.#dial(), redialMs);
  }

  #send(message: SessionRequest["message"]): void {
    if (this.#welcome && !this.#silent && this.#stream?.writable) this.#stream.write({ message });
  }

  #receive({ message }: SessionResponse): void {
    if (message === undefined) return;
    this.received.push(message);
    if (message.$case === "welcome") {
      this.#welcome = true;
      this.#memory.maxFence = Math.max(this.#memory.maxFence, message.value.fence);
      this.#report();
    }
    if (message.$case === "intent") this.#take(decodeIntent(message.value, sha256Text));
    if (message.$case === "probeOrder") {
      const { id, site } = message.value;
      const results = this.#results().filter((result) => result.site === site);
      this.#send({ $case: "probeAnswer", value: { id, results: results.map(toWireProbeResult) } });
    }
  }

  #take(intent: Intent): void {
    this.intent = intent;
    this.#memory = {
      maxFence: Math.max(this.#memory.maxFence, intent.fence),
      generation: intent.generation,
      intentDigest: intent.digest,
    };
    this.#obey();
    this.#report();
  }

  #obey(): void {
    const body = this.intent?.body;
    if (body === undefined) return;
    const granted = new Set(body.grants.map((grant) => grant.id));
    for (const [id, seen] of this.#grants) {
      if (!granted.has(id)) this.#grants.set(id, { ...seen, progress: { kind: "withdrawn" } });
    }
    for (const grant of body.grants) this.#follow(grant);
    for (const { unit, proven } of body.units) this.#run(unit, this.#grantedDigest(unit) ?? proven?.digest);
  }

  #follow(grant: Grant): void {
    const seen = this.#grants.get(grant.id);
    if (seen !== undefined && seen.progress.kind !== "preparing" && seen.progress.kind !== "withdrawn") {
      if (seen.progress.kind !== "provisional" || this.#script.onGrant === undefined) return;
    }
    const switchedAt = instant(this.#now());
    const progress = this.#script.onGrant?.(grant) ?? { kind: "provisional", switchedAt, switchMs: 3 };
    const since = seen?.since ?? switchedAt;
    const kept = seen?.progress.kind === "provisional" && progress.kind === "provisional" ? seen.progress : progress;
    this.#grants.set(grant.id, { grant: grant.id, since, progress: kept });
  }

  #grantedDigest(unit: UnitKey): string | undefined {
    const live = this.intent?.body.grants.filter(
      (grant) => this.#grants.get(grant.id)?.progress.kind === "provisional",
    );
    return live?.flatMap((grant) => grant.units).find((granted) => granted.unit === unit)?.digest;
  }

  #run(unit: UnitKey, digest: string | undefined): void {
    if (digest === undefined) this.running.delete(unit);
    else this.running.set(unit, digest);
  }

  #report(): void {
    this.#send({ $case: "observation", value: { observation: toWireObservation(this.#observation()) } });
  }

  #observation(): HostObservation {
    const now = instant(this.#now());
    return {
      host: this.host,
      at: now,
      agent: { version: "scripted", startedAt: now },
      maxFence: this.#memory.maxFence,
      generation: this.#memory.generation,
      intentDigest: this.#memory.intentDigest,
      units: [...(this.intent?.body.units ?? []).map((unit) => this.#unit(unit)), ...this.#ownPrograms()],
      grants: [...this.#grants.values()],
      remarks: [],
      ...(this.#script.drifts === undefined ? {} : { drifts: this.#script.drifts }),
      ...(this.intent?.body.draining === true ? { drain: { obeyed: true, open: this.#script.open?.() ?? 0 } } : {}),
      ...(this.#bootId === undefined ? {} : { boot: this.#boot(this.#bootId) }),
      ...(this.#options.rebootClientId === undefined ? {} : { rebootClientId: this.#options.rebootClientId }),
    };
  }

  #boot(id: string): BootSeen {
    return { id, canReboot: true, ...(this.#rebootSeen === undefined ? {} : { order: this.#rebootSeen }) };
  }

  /** As long as the intent does not speak of it. */
  #ownPrograms(): readonly UnitObservation[] {
    const { agentVersion: agent, keeperVersion: keeper } = this.#options;
    return Object.entries({ agent, keeper }).flatMap(([name, version]) => {
      const unit = name as ProgramUnit;
      if (version === undefined || this.intent?.body.units.some((one) => one.unit === unit)) return [];
      const { digest } = programRelease(unit, version, undefined, sha256Text);
      const running = { digest, version, build: version, pid: 1, startedAt: instant(Date.now()) };
      return [{ unit, installed: [], reasons: [], running }];
    });
  }

  #unit({ unit, desired, proven, hold }: Intent["body"]["units"][number]): UnitObservation {
    const digest = this.running.get(unit);
    const certificates = this.#script.certificates?.(unit) ?? [];
    return {
      unit,
      installed: hold.map((release) => release.digest),
      reasons: [],
      ...(certificates.length === 0 ? {} : { certificates }),
      ...(this.#script.previous === undefined || !unit.startsWith("site:") ? {} : { previous: this.#script.previous }),
      ...(desired === undefined ? {} : { desired }),
      ...(proven === undefined ? {} : { proven: proven.digest }),
      ...(digest === undefined
        ? {}
        : { running: { digest, version: "", build: "scripted", pid: 1, startedAt: instant(this.#now()) } }),
    };
  }

  probeNow(): void {
    const results = this.#results();
    if (results.length === 0 || !this.#welcome || this.#silent) return;
    this.#seq += 1;
    const value = { seq: this.#seq, epoch: this.#epoch, results: results.map(toWireProbeResult), dropped: 0 };
    this.#lastBatch = { $case: "probeBatch", value };
    this.#send(this.#lastBatch);
  }

  #results(): readonly ProbeResult[] {
    if (this.intent === undefined) return [];
    const now = instant(this.#now());
    this.#round = instant(Math.max(now, this.#round + 1));
    const asked = probesOf(this.host, this.intent.body, this.running, now, this.#round);
    return asked.flatMap((probe) => {
      const answer = this.#script.onProbe ?? (() => ({ kind: "good" as const, status: 200 }));
      const outcome = answer(probe);
      return outcome === undefined ? [] : [{ ...probe, outcome }];
    });
  }
}
