import type { Instant, Intent, ProgramUnit, UnitRelease } from "@sluice/core";
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

/** After confirm-by, for whoever ends a trial to notice and to end it: an agent's watchdog does at once, a keeper is handed back or put down. */
const overdueMs = { agent: 30_000, keeper: 150_000 } as const;
/** For an agent that is there to notice that a trial is over, and to end it. */
const goneWithinMs = { agent: 60_000, keeper: 150_000 } as const;

/** Changes of agents and keepers, by books that are kept apart from the decisions: what was proven where, and which trials were begun. */
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
  /** `host|unit` where none has run since whoever starts it did. */
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

  /** A host starts, or the watchdog of its agents. */
  starting(host: string, unit: ProgramUnit): void {
    this.#fresh.add(`${host}|${unit}`);
  }

  /** Promises 1 and 2: a program is started because it is proven there, or once because it was granted, and never first. */
  starts(host: string, unit: ProgramUnit, digest: string, trial: string | undefined): void {
    const isFirst = this.#fresh.delete(`${host}|${unit}`);
    if (trial === undefined) {
      this.#startsProven(host, unit, digest);
      return;
    }
    this.#history.trace.count(`${unit} on trial`);
    if (isFirst) this.#broken("2", `${host} starts ${digest} on trial after a restart`);
    // A store that was overtaken by its own backup gives again what that has taken out of its hosts' memory.
    if (this.#tried.has(`${host}|${trial}`) && !this.#hasBackupActed())
      this.#broken("programs", `${host} tries ${digest} again for ${trial}`);
    this.#tried.add(`${host}|${trial}`);
    this.#onServed(host, unit, digest);
  }

  #startsProven(host: string, unit: ProgramUnit, digest: string): void {
    if (digest !== firstProgram(unit) && !this.#proven.has(`${host}|${digest}`))
      this.#broken("2", `${host} starts ${digest}, which was never proven there`);
    const { ledger, intent } = this.#hosts().find(({ name }) => name === host)?.disk ?? {};
    const told = intent?.body.units.find((one) => one.unit === unit)?.proven?.digest;
    const known = ledger?.proven[unit]?.digest;
    if (known !== undefined && digest !== known && digest !== told)
      this.#broken("2", `${host} starts ${digest}, proven is ${known}`);
  }

  /** Promise 9: a trial ends when its time is up; that of an agent without any coordinator or agent, that of a keeper by the agent that is there. */
  onTrial(host: string, unit: ProgramUnit, grant: string, digest: string): void {
    const found = this.#hosts().find(({ name }) => name === host);
    if (found === undefined || found.disk.ledger.proven[unit]?.digest === digest) return;
    const { intent } = found.disk;
    const held = intent?.body.grants.find(({ id }) => id === grant);
    const isTold = intent?.body.units.some((one) => one.unit === unit && one.proven?.digest === digest) === true;
    const isOver = held === undefined && !isTold && intent !== undefined;
    this.#isWithdrawn(found, `${grant} (${digest})`, isOver, goneWithinMs[unit]);
    if (held === undefined) return;
    const due = unit === "agent" ? held.confirmBy : Math.max(held.confirmBy, found.agentSince ?? found.localNow);
    if (found.localNow > due + overdueMs[unit])
      this.#broken("9", `${host} has ${digest} on trial ${found.localNow - held.confirmBy} ms after confirm-by`);
  }

  /** Promise 9: so it does soon after its grant was taken back, where an agent is there to do it. */
  #isWithdrawn({ name, localNow, agentSince }: ProgramHost, what: string, isOver: boolean, withinMs: number): void {
    const key = `${name}|${what}`;
    if (!isOver) this.#toGoSince.delete(key);
    else if (!this.#toGoSince.has(key)) this.#toGoSince.set(key, localNow);
    const since = Math.max(this.#toGoSince.get(key) ?? localNow, agentSince ?? localNow);
    if (localNow - since > withinMs) this.#broken("9", `${name} has ${what} on trial after it was withdrawn`);
  }

  /** Promise 7: the coordinator calls a version proven on a host. */
  isProven(host: string, digest: string, isFair: boolean): void {
    this.#proven.add(`${host}|${digest}`);
    const behaviour = this.#history.programs?.get(digest);
    if (isFair && isSeenThrough(behaviour)) this.#broken("7", `${digest} (${behaviour}) passed on ${host}`);
  }
}
