import type { Ledger } from "@sluice/agent/ledger/ledger";
import type { ActivationState, Grant, UnitKey } from "@sluice/core";
import type { History } from "./history.ts";
import type { HostTruth } from "./host-promises.ts";
import { pairOf } from "./sim-pairs.ts";
import { ToGo } from "./to-go.ts";

/** A release of a proxy or front, and the pair that it was proven with. */
interface Shown {
  readonly digest: string;
  readonly pair: string;
}

/** A process that users reach, by what it presents. */
interface Presenting extends Shown {
  readonly unit: UnitKey;
  readonly childId: string;
}

/** What the checks ask of those of the same host. */
export interface CertificatePorts {
  readonly history: History;
  readonly host: HostTruth;
  readonly broken: (promise: string, what: string) => never;
  /** Activations that have not ended. */
  readonly open: () => readonly ActivationState[];
  /** A restart of the host has cut the grant off. */
  readonly isCutOff: (grant: string) => boolean;
}

/**
 * What one host presents, by books that are kept apart from its agent's: a pair that somebody put on disk meets users by a grant only, and
 * what comes back after anything is what was proven.
 */
export class CertificatePromises {
  readonly #ports: CertificatePorts;
  /** By unit: what is proven, and what was before. */
  readonly #proven = new Map<UnitKey, { readonly now: Shown; readonly before?: Shown }>();
  /** Processes that users were seen to reach, with what they presented then. */
  readonly #met = new Map<string, string>();
  readonly #toGo = new ToGo();
  #ledger: Ledger | undefined;

  constructor(ports: CertificatePorts) {
    this.#ports = ports;
  }

  /** A host that has been there for long. */
  begin(): void {
    for (const process of this.#presenting()) this.#learn(process);
  }

  /** Whenever a process has changed: promises 1 and 2. */
  processesChanged(): void {
    for (const process of this.#presenting()) {
      const { childId, pair } = process;
      if (this.#met.get(childId) === pair) continue;
      this.#met.set(childId, pair);
      this.#newlyMet(process);
    }
  }

  #newlyMet(process: Presenting): void {
    const { unit, childId, pair } = process;
    const { history, broken } = this.#ports;
    const known = this.#proven.get(unit);
    const grant = this.#grantFor(unit);
    if (this.#isProven(process)) return;
    if (grant === undefined) broken("2", `${childId} presents ${pair}, proven of ${unit} is ${known?.now.pair}`);
    history.trace.count("pair on trial");
    if (grant?.kind === "revert") this.#goesBack(grant.id, process);
  }

  /** What goes back presents what it was proven with. */
  #goesBack(grant: string, { unit, digest, pair }: Presenting): void {
    const before = this.#proven.get(unit)?.before;
    if (before?.digest === digest && pair !== before.pair)
      this.#ports.broken(
        "certificates",
        `${grant} goes back to ${digest} with ${pair}, it was proven with ${before.pair}`,
      );
  }

  /** Whenever the agent has written: what was confirmed is proven with what it presents. */
  memoryChanged(): void {
    const { ledger } = this.#ports.host.disk;
    const before = this.#ledger;
    this.#ledger = ledger;
    if (before === undefined || before.activations === ledger.activations) return;
    for (const [id, state] of Object.entries(ledger.activations)) {
      if (state.phase !== "draining" || before.activations[id]?.phase === "draining") continue;
      for (const { unit } of state.parts) {
        const process = this.#presenting().findLast((one) => one.unit === unit);
        if (process === undefined) continue;
        if (state.grant.kind === "revert") this.#goesBack(id, process);
        this.#learn(process);
      }
    }
  }

  #learn({ unit, digest, pair }: Presenting): void {
    const known = this.#proven.get(unit);
    const isSame = known?.now.pair === pair && known.now.digest === digest;
    const before = known === undefined || isSame ? {} : { before: known.now };
    this.#proven.set(unit, { now: { digest, pair }, ...before });
    if (known !== undefined && known.now.pair !== pair) this.#ports.history.trace.count("pair proven");
  }

  /** Promise 9, again and again: what nothing permits any more goes. */
  beat(): void {
    const { host, broken } = this.#ports;
    const strangers = this.#presenting().filter(
      (one) => !this.#isProven(one) && this.#grantFor(one.unit) === undefined,
    );
    const keys = new Set(strangers.map(({ unit, pair }) => `${unit} with ${pair}`));
    const overdue = this.#toGo.overdue(keys, host);
    if (overdue !== undefined) broken("9", `presents ${overdue.key} ${overdue.ms} ms after it had to go`);
  }

  #isProven({ unit, pair }: Presenting): boolean {
    return this.#proven.get(unit)?.now.pair === pair;
  }

  /** A pair that users of the unit are shown now, if it is not the one that is proven. */
  unprovenPair(unit: UnitKey): string | undefined {
    return this.#presenting().find((one) => one.unit === unit && !this.#isProven(one))?.pair;
  }

  #presenting(): readonly Presenting[] {
    return this.#ports.host.machine.proxies.flatMap((one) => {
      const pair = pairOf(one);
      const { unit, childId, digest } = one;
      return one.accepting && !one.draining && pair !== undefined ? [{ unit, childId, digest, pair }] : [];
    });
  }

  /** One that stands, was not cut off, has not ended, and names the unit. */
  #grantFor(unit: UnitKey): Grant | undefined {
    const { host, open, isCutOff } = this.#ports;
    const found = open().find(
      (state) =>
        !isCutOff(state.grant.id) &&
        !("end" in state) &&
        state.grant.units.some((one) => one.unit === unit) &&
        (state.grant.oneWay !== undefined || host.localNow < state.grant.confirmBy),
    );
    return found?.grant;
  }
}
