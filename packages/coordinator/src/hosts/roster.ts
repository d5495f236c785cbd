import { type HostObservation, type Instant, instant } from "@sluice/core";
import type { KnownSight } from "@sluice/core/rollout/blindness";
import type { Clock } from "@sluice/runtime";

/** What is known of a host at this moment. */
export interface KnownHost {
  /** Heard of within the grace; a stream that has just broken does not make a host silent. */
  readonly connected: boolean;
  readonly lastSeen?: Instant;
  /** Of one that is not connected: when it was heard of last, or since when nobody could be. By monotonic time, told as a moment of now. */
  readonly silentSince?: Instant;
  readonly observation?: HostObservation;
  /** Since when it says that its proxies tell the edge not to send requests; by the clock here, and from its next word on after a start. */
  readonly drainingSince?: Instant;
}

interface Entry {
  /** Monotonic, so that a clock that is set makes nobody silent. */
  heardAt: number;
  lastSeen: Instant;
  observation: HostObservation | undefined;
  drainingSince: Instant | undefined;
}

/** Heartbeats that may go missing before a host counts as silent. */
const missedMax = 3;

/** Who has spoken, when, and the newest word of each host. Held in memory: after a restart everybody speaks again. */
export class Roster {
  readonly #clock: Clock;
  readonly #silentAfterMs: number;
  readonly #everSeen: Set<string>;
  readonly #entries = new Map<string, Entry>();
  readonly #startedAt: number;

  /** `everSeen`: hosts that spoke before the coordinator's start. */
  constructor(clock: Clock, heartbeatMs: number, everSeen: readonly string[]) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#everSeen = new Set(everSeen);
    this.#silentAfterMs = heartbeatMs * (missedMax + 1);
  }

  /** Time without a word after which a host is silent. */
  get silentAfterMs(): number {
    return this.#silentAfterMs;
  }

  heard(host: string): void {
    this.#everSeen.add(host);
    const entry = this.#entries.get(host);
    const heardAt = this.#clock.monotonic();
    const lastSeen = this.#clock.now();
    if (entry === undefined)
      this.#entries.set(host, { heardAt, lastSeen, observation: undefined, drainingSince: undefined });
    else Object.assign(entry, { heardAt, lastSeen });
  }

  observed(observation: HostObservation): void {
    this.heard(observation.host);
    const entry = this.#entries.get(observation.host);
    if (entry === undefined) return;
    entry.observation = observation;
    entry.drainingSince = observation.drain?.obeyed === true ? (entry.drainingSince ?? this.#clock.now()) : undefined;
  }

  find(host: string): KnownHost {
    const entry = this.#entries.get(host);
    if (entry === undefined) return { connected: false, silentSince: this.#momentOf(this.#startedAt) };
    const { lastSeen, observation, drainingSince } = entry;
    const connected = this.#isHeard(entry);
    return {
      connected,
      lastSeen,
      ...(connected ? {} : { silentSince: this.#momentOf(entry.heardAt) }),
      ...(observation === undefined ? {} : { observation }),
      ...(drainingSince === undefined ? {} : { drainingSince }),
    };
  }

  /** Of `hosts`, those whose agent ever spoke. */
  known(hosts: readonly string[]): readonly KnownSight[] {
    const known = hosts.filter((host) => this.#everSeen.has(host));
    return known.map((host) => ({ host, connected: this.find(host).connected }));
  }

  #momentOf(monotonic: number): Instant {
    return instant(this.#clock.now() - (this.#clock.monotonic() - monotonic));
  }

  #isHeard(entry: Entry): boolean {
    return this.#clock.monotonic() - entry.heardAt <= this.#silentAfterMs;
  }
}
