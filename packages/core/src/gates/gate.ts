import type { Instant } from "../units/time.ts";
import type { Freeze } from "./freeze.ts";
import type { Unrepresented } from "./representativeness.ts";

/** What may have to be true before a rollout goes on; each can be overridden with a reason (design §7). */
export const gateNames = [
  "freeze",
  "window",
  "approval",
  "attended",
  "representativeness",
  "coverage",
  "monitoring",
  "soak",
  "evidence",
  "capacity",
] as const;
export type GateName = (typeof gateNames)[number];

/** An override of these holds for the whole environment; one of the others for the wave that waits, and no longer. */
export const environmentGates: readonly GateName[] = ["approval", "attended", "representativeness", "coverage"];

/** One gate of the wave that is next, judged at this moment. */
export interface GateState {
  /** `halt-all`: an operator stopped the whole fleet; it is lifted, never overridden. */
  readonly gate: GateName | "halt-all";
  readonly environment: string;
  readonly state: "open" | "closed" | "overridden";
  /** A present-tense sentence: why it is closed, or what holds it open. */
  readonly sentence: string;
  readonly hosts: readonly string[];
  /** When a closed gate opens by itself. Absent: it waits for somebody or something. */
  readonly opensAt?: Instant;
}

/** Who stopped everything, and why. */
export interface HaltAll {
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
}

export const haltAllWords = ({ by, reason }: HaltAll): string =>
  `everything was halted by ${by}: ${reason}; lift it: sluice halt --clear`;

/** Alerts that somebody silenced, always with an end; checks go on. */
export interface Mute {
  readonly name: string;
  /** Who answers for it; a mute that nobody answers for closes the monitoring gate. */
  readonly owner: string;
  readonly reason: string;
  readonly by: string;
  readonly from: Instant;
  readonly to: Instant;
  /** Empty: all sites. */
  readonly sites: readonly string[];
}

/** What gates look at outside of their rollout, as of now. */
export interface GateFacts {
  readonly freezes: readonly Freeze[];
  readonly mutes: readonly Mute[];
  readonly haltAll?: HaltAll;
  /** By the applied fleet, which may have been mended since the rollout was planned. */
  readonly unrepresented: readonly Unrepresented[];
  /** Ways into the hosts of the next wave that no fresh result speaks for, in words. */
  readonly unheard: readonly { readonly host: string; readonly sentence: string }[];
}

/** Nothing is frozen, muted or halted, and all probes report. */
export const quietFacts: GateFacts = { freezes: [], mutes: [], unrepresented: [], unheard: [] };
