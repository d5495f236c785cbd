import { hash } from "node:crypto";
import type { Instant } from "@sluice/core";
import type { Behaviour, HistoryOptions } from "./history-options.ts";
import type { Prng } from "./prng.ts";
import type { ProgramBehaviour } from "./program-behaviour.ts";
import type { PairBehaviour } from "./sim-pairs.ts";
import type { Subject } from "./subject.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A promise was broken. */
export class Violation extends Error {}

/** Tells which promise was broken, and by what: the history ends there. */
export type Broken = (promise: string, what: string) => never;

/** What everything in one simulated history shares. */
export interface History {
  readonly options: HistoryOptions;
  readonly subject: Subject;
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly trace: Trace;
  /** What the releases that were ever pushed do, by digest. */
  readonly behaviours: Map<string, Behaviour>;
  /** The same of versions of agents and keepers. */
  readonly programs?: ReadonlyMap<string, ProgramBehaviour>;
  /** What clients make of the certificates that were ever put on disk. */
  readonly pairs?: ReadonlyMap<string, PairBehaviour>;
  /** Sites that fail at present for a reason of their own, whatever release is live, by `host|site`. */
  readonly outages?: ReadonlySet<string>;
  /** Nothing can be written to the coordinator's store. */
  readonly isStoreFull: boolean;
  /** True once no more faults happen. */
  readonly calm: boolean;
}

/** The events of a history: a hash always, the lines only when somebody wants to read them. */
export class Trace {
  readonly lines: string[] = [];
  #hash = 0x811c9dc5;
  #count = 0;
  readonly #keeps: boolean;
  readonly #now: () => Instant;

  constructor(keeps: boolean, now: () => Instant) {
    this.#keeps = keeps;
    this.#now = now;
  }

  /** How often each kind of thing happened: tells whether the seeds reach what they should. */
  readonly reached: Record<string, number> = {};

  count(kind: string): void {
    this.reached[kind] = (this.reached[kind] ?? 0) + 1;
  }

  add(line: string): void {
    const stamped = `${((this.#now() - 1_700_000_000_000) / 1000).toFixed(3).padStart(9)} ${line}`;
    this.#hash = fnv1a(stamped, this.#hash);
    this.#count++;
    if (this.#keeps) this.lines.push(stamped);
  }

  get hash(): string {
    return `${this.#count}-${this.#hash.toString(16).padStart(8, "0")}`;
  }
}

/** FNV-1a over UTF-16 code units: quick and the same everywhere; nothing here needs to resist an attacker. */
export function fnv1a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A digest for a simulated world. */
export const simulatedDigest = (text: string): string => hash("sha1", text).slice(0, 16);
