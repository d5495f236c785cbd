import type { Instant, Intent, UnitRelease } from "@sluice/core";
import type { Broken, History } from "./history.ts";
import { isSeenThrough } from "./program-behaviour.ts";
import { firstProgram } from "./simulated-fleet.ts";

/** What the checks must see of a host whose programs change. */
export interface ProgramHost {
  readonly name: string;
  readonly localNow: Instant;
  /** Since when the host's agent has been there without a break and able to write; by the host's clock. */
  readonly agentSince: number | undefined;
  readonly disk: {
    readonly ledger: { readonly proven: Readonly<Record<string, UnitRelease>> };
    readonly intent: Intent | undefined;
  };
}

/** After confirm-by, for whoever ends a trial to notice and to end it. */
const overdueMs = 30_000;
/** For an agent that is there to notice that its trial is over, and to end. */
const goneWithinMs = 60_000;

/** Changes of agents, by books that are kept apart from the decisions: what was proven where, and which trials were begun. */
export class ProgramPromises {
  readonly #history: History;
  readonly #hosts: () => readonly ProgramHost[];
  readonly #broken: Broken;
  readonly #onServed: (host: string, unit: string, digest: string) => void;
  readonly #hasBackupActed: () => boolean;
  /** `host|digest` that a coordinator has called proven there. */
  readonly #proven = new Set<string>();
  /** `host|grant` that a program was started for. */
  readonly #tried = new Set<string>();
  /** Since when a program on trial has to go, by host and grant. */
  readonly #toGoSince = new Map<string, number>();
  /** Hosts whose watchdog, or that themselves, have started and where no program has run since. */
  readonly #fresh = new Set<string>();

  constructor(
    history: History,
    hosts: () => readonly ProgramHost[],
    onServed: (host: string, unit: string, digest: string) => void,
    hasBackupActed: () => boolean,
    broken: Broken,
  ) {
    this.#history = history;
    this.#hosts = hosts;
    this.#onServed = onServed;
    this.#hasBackupActed = hasBackupActed;
    this.#broken = broken;
  }

  /** A host or its watchdog starts. */
  starting(host: string): void {
    this.#fresh.add(host);
  }

  /** Promises 1 and 2: a program is started because it is proven there, or once because it was granted, and never first. */
  starts(host: string, digest: string, trial: string | undefined): void {
    const isFirst = this.#fresh.delete(host);
    if (trial === undefined) {
      if (digest !== firstProgram("agent") && !this.#proven.has(`${host}|${digest}`))
        this.#broken("2", `${host} starts ${digest}, which was never proven there`);
      const { ledger, intent } = this.#hosts().find(({ name }) => name === host)?.disk ?? {};
      const told = intent?.body.units.find(({ unit }) => unit === "agent")?.proven?.digest;
      const known = ledger?.proven["agent"]?.digest;
      if (known !== undefined && digest !== known && digest !== told)
        this.#broken("2", `${host} starts ${digest}, proven is ${known}`);
      return;
    }
    this.#history.trace.count("program on trial");
    if (isFirst) this.#broken("2", `${host} starts ${digest} on trial after a restart`);
    // A store that was overtaken by its own backup gives again what that has taken out of its hosts' memory.
    if (this.#tried.has(`${host}|${trial}`) && !this.#hasBackupActed())
      this.#broken("programs", `${host} tries ${digest} again for ${trial}`);
    this.#tried.add(`${host}|${trial}`);
    this.#onServed(host, "agent", digest);
  }

  /** Promise 9: a trial ends when its time is up, coordinator or not. */
  onTrial(host: string, grant: string, digest: string): void {
    const found = this.#hosts().find(({ name }) => name === host);
    if (found === undefined || found.disk.ledger.proven["agent"]?.digest === digest) return;
    const { intent } = found.disk;
    const held = intent?.body.grants.find(({ id }) => id === grant);
    const isTold =
      intent?.body.units.some(({ unit, proven }) => unit === "agent" && proven?.digest === digest) === true;
    this.#isWithdrawn(found, `${grant} (${digest})`, held === undefined && !isTold && intent !== undefined);
    if (held === undefined) return;
    if (found.localNow > held.confirmBy + overdueMs)
      this.#broken("9", `${host} has ${digest} on trial ${found.localNow - held.confirmBy} ms after confirm-by`);
  }

  /** Promise 9: so it does soon after its grant was taken back, where an agent is there to do it. */
  #isWithdrawn({ name, localNow, agentSince }: ProgramHost, what: string, isOver: boolean): void {
    const key = `${name}|${what}`;
    if (!isOver) this.#toGoSince.delete(key);
    else if (!this.#toGoSince.has(key)) this.#toGoSince.set(key, localNow);
    const since = Math.max(this.#toGoSince.get(key) ?? localNow, agentSince ?? localNow);
    if (localNow - since > goneWithinMs) this.#broken("9", `${name} has ${what} on trial after it was withdrawn`);
  }

  /** Promise 7: the coordinator calls a version proven on a host. */
  isProven(host: string, digest: string, isFair: boolean): void {
    this.#proven.add(`${host}|${digest}`);
    const behaviour = this.#history.programs?.get(digest);
    if (isFair && isSeenThrough(behaviour)) this.#broken("7", `${digest} (${behaviour}) passed on ${host}`);
  }
}
