import type { NotificationSettings } from "../alerts/notification-settings.ts";
import type { ApprovalRule } from "../gates/approvals.ts";
import type { Freeze } from "../gates/freeze.ts";
import type { TimeWindow } from "../gates/time-window.ts";
import type { HealthSettings } from "../health/health-settings.ts";
import type { DriftPolicy } from "../host/drift.ts";
import type { EngineName } from "../proxying/proxy-settings.ts";
import { type DurationMs, minutes } from "../units/time.ts";

/** A checked and completed fleet file: every default filled in, every relation holding. */
export interface Fleet {
  readonly name: string;
  /** In order of promotion. */
  readonly environments: readonly Environment[];
  readonly hosts: readonly Host[];
  readonly sites: readonly Site[];
  /** Binding ports that belong to the front because several sites use them. */
  readonly sharedPorts: readonly number[];
  readonly certificates: readonly Certificate[];
  /** What the fronts of all hosts run on; `node` when absent. */
  readonly frontEngine?: EngineName;
  /** Times in which no wave starts, by the file; operators may add others. */
  readonly freezes?: readonly Freeze[];
  /** Who is told of alerts; nobody when absent. */
  readonly notifications?: NotificationSettings;
}

export interface Environment {
  readonly name: string;
  /** Names of its hosts; never empty. */
  readonly hosts: readonly string[];
  /** Cumulative size of each wave over the hosts of one site; the last one covers all. */
  readonly waves: readonly WaveSize[];
  /** Who goes first; the order of `hosts` decides when absent. */
  readonly canary?: Canary;
  /** Silence after which a host that was not touched yet is left out of its wave. Absent: it is waited for, and the wave fails. */
  readonly skipLostMs?: DurationMs;
  readonly gates: Gates;
  /** What a host does when a grant is not confirmed in time (promise 9). */
  readonly unconfirmed: "revert" | "keep";
  /** What a host does about what was changed on it by hand; `heal` when absent. */
  readonly drift?: DriftPolicy;
  /** Age from which a pending activation is worth an alert; {@link pendingAlertMsDefault} when absent. */
  readonly pendingAlertMs?: DurationMs;
}

/** A rollout with an overnight soak stays below it; what nobody activates over a weekend does not. */
export const pendingAlertMsDefault = minutes(24 * 60);

export type WaveSize =
  | { readonly kind: "hosts"; readonly count: number }
  | { readonly kind: "percent"; readonly percent: number };

/** Hosts by name, or the one that the fewest users came to. */
export type Canary = { readonly kind: "least-traffic" } | { readonly kind: "hosts"; readonly hosts: readonly string[] };

export interface Gates {
  /** Shortest time a wave is observed after its last activation. */
  readonly soakMs: DurationMs;
  /** Who must approve before the first wave of the environment. Empty: nobody. */
  readonly approval: readonly ApprovalRule[];
  /** Longest time an observation may stay inconclusive before the rollout halts and asks. */
  readonly maxWaitMs: DurationMs;
  /** When waves may start; a wave starts only if it can finish or go back before they close. Absent or empty: always. */
  readonly windows?: readonly TimeWindow[];
  /** For how long somebody's acknowledgement before the first wave holds. Absent: nobody has to watch. */
  readonly attendedWithinMs?: DurationMs;
  /** Every kind of binding has to be in the environment below as well. Absent: not asked for. */
  readonly representativeness?: boolean;
  /** Every host of the environment below has to have passed. Absent: not asked for. */
  readonly coverage?: boolean;
  /** The probes of the wave's hosts have to report before they are touched. Absent: not asked for. */
  readonly monitoring?: boolean;
}

export interface Host {
  readonly name: string;
  readonly environment: string;
  /** Where its listeners are bound and where probes connect to. */
  readonly address: string;
  /** Binding port → port really listened on; identity where absent. Lets several hosts share one machine. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Certificate {
  readonly name: string;
  /** Paths of PEM files on the host. */
  readonly certFile: string;
  readonly keyFile: string;
  /** What is done about a renewed pair: it is told, and goes live by a person's rollout only. Absent: a rollout is started. */
  readonly renewal?: "report";
}

export interface Site {
  readonly name: string;
  readonly engine: EngineName;
  readonly run: Run;
  readonly ready: Ready;
  readonly forward: Forward;
  readonly drainMs: DurationMs;
  readonly keepPreviousMs: DurationMs;
  /** Longest time a request is held while no slot is live, before it is answered 503. */
  readonly holdMs: DurationMs;
  /** Most hosts of one site and environment that may be in the middle of an activation, over all rollouts. */
  readonly maxUnavailable: number;
  /** Most hosts of one site and environment that go back at a time; twice {@link maxUnavailable} when absent. */
  readonly maxReverting?: number;
  /** By environment name: what a rollout does by itself when health regresses there. */
  readonly onRegression: Readonly<Record<string, OnRegression>>;
  /** By environment name. */
  readonly health: Readonly<Record<string, HealthSettings>>;
  /** By environment name. */
  readonly bindings: Readonly<Record<string, readonly Binding[]>>;
  readonly probes: readonly Probe[];
  /** What hosts do about what was changed by hand in this site and its proxy; absent: what its environments say. */
  readonly drift?: DriftPolicy;
}

/** `revert`: go back to what was proven. `hold`: stop and leave it to a person, for one-way migrations. */
export type OnRegression = "revert" | "hold";

export type Run =
  | {
      readonly driver: "process";
      /** argv; `{port}` and `{release}` are replaced. Started in the folder of the unpacked release. */
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly driver: "external";
      /** `host:port` of each slot, already running or started by the commands. */
      readonly addresses: { readonly blue: string; readonly green: string };
      readonly start?: readonly string[];
      readonly stop?: readonly string[];
    };

export interface Ready {
  readonly path: string;
  readonly withinMs: DurationMs;
}

export interface Forward {
  /** `preserve`: the public Host goes on to the slot. `internal`: Host is the internal binding, the public name travels in X-Public-Host. */
  readonly host: "preserve" | "internal";
}

export interface Binding {
  /** Lower case, no trailing dot, no port. */
  readonly name: string;
  readonly kind: "internal" | "public";
  /** The port users address; {@link Host.ports} says where it is really bound. */
  readonly port: number;
  /** Name of a {@link Certificate}. */
  readonly tls?: string;
  /** URL by which outsiders come in; public bindings only. */
  readonly edge?: string;
}

export interface Probe {
  readonly path: string;
  readonly method: "GET" | "HEAD" | "POST" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as it is, in UTF-8; POST only. */
  readonly body?: string;
  /** Statuses that count as good. */
  readonly expect: readonly number[];
  /** Text the body has to contain. */
  readonly contains?: string;
  readonly timeoutMs: DurationMs;
}
