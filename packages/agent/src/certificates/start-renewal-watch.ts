import type { Instant } from "@sluice/core";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { CertificateUser, FoundCertificate } from "./find-renewals.ts";

/** Certificates are renewed weeks before their end: a minute's delay costs nothing, and the look costs next to nothing. */
const lookEveryMs = durationMs(60_000);

/** What lies in the files of a certificate, and since when the agent has known it to. */
export interface WatchedCertificate extends FoundCertificate {
  readonly since: Instant;
}

export interface RenewalWatchOptions {
  /** Proxies and fronts that run; the same list as long as it says the same. */
  readonly users: () => readonly CertificateUser[];
  readonly look: (users: readonly CertificateUser[]) => readonly FoundCertificate[];
  readonly clock: Clock;
  readonly log: Log;
  readonly onChanged: () => void;
}

export interface RenewalWatch extends Running {
  /** The newest look; empty before the first. The same list as long as it says the same. */
  readonly found: readonly WatchedCertificate[];
  /** Other processes may run: what they are started with is looked at now, if so. */
  moved(): void;
}

/** Looks every minute, and whenever other proxies run, at what lies in the files of certificates. Changes nothing. */
export function startRenewalWatch(options: RenewalWatchOptions): RenewalWatch {
  return new Watch(options);
}

class Watch implements RenewalWatch {
  readonly done: Promise<void>;
  readonly #options: RenewalWatchOptions;
  readonly #stop = new AbortController();
  #found: readonly WatchedCertificate[] = [];
  #users: readonly CertificateUser[] | undefined;
  /** Found no good by the last look: it is believed when it is found twice, for the files may just be being written. */
  #suspects: readonly FoundCertificate[] = [];

  constructor(options: RenewalWatchOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  get found(): readonly WatchedCertificate[] {
    return this.#found;
  }

  moved(): void {
    if (this.#options.users() !== this.#users) this.#look();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#look();
      await this.#options.clock.sleep(lookEveryMs, this.#stop.signal).catch(() => undefined);
    }
  }

  #look(): void {
    const { users, look, log, clock, onChanged } = this.#options;
    this.#users = users();
    let found: readonly FoundCertificate[];
    try {
      found = look(this.#users);
    } catch (err) {
      log.warn({ err }, "certificates.not-looked-at");
      return;
    }
    const now = clock.now();
    const next = found.flatMap((one): readonly WatchedCertificate[] => {
      const before = this.#found.find((other) => isOf(one, other));
      const isNew = one.problem !== undefined && one.problem !== before?.problem;
      const isBelieved = !isNew || this.#suspects.some((other) => isOf(one, other) && other.problem === one.problem);
      if (!isBelieved) return before === undefined ? [] : [before];
      return [{ ...one, since: before !== undefined && isSame(one, before) ? before.since : now }];
    });
    this.#suspects = found.filter(({ problem }) => problem !== undefined);
    if (sameJson(next, this.#found)) return;
    this.#found = next;
    onChanged();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}

const isOf = (a: FoundCertificate, b: FoundCertificate): boolean => a.unit === b.unit && a.name === b.name;

const isSame = (a: FoundCertificate, b: FoundCertificate): boolean =>
  a.problem === b.problem && a.found?.digest === b.found?.digest;
