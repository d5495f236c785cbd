import type { Grant } from "@sluice/core";
import type { History } from "./history.ts";

export type ActivationOutcome =
  | { readonly kind: "live" }
  | {
      readonly kind: "failed";
      readonly failure: "start" | "probes-before" | "probes-after";
      readonly reason: string;
      readonly touchedTraffic: boolean;
    };

/** What an activation does to its host: switching is one event, and ending it is one more. */
export interface ActivatedHost {
  switch(grant: Grant): void;
  end(grant: Grant, outcome: ActivationOutcome): void;
}

/**
 * One activation at a time on a simulated host: prepare, switch, probe, each taking its time. It lives in the agent's
 * memory only: stopping it leaves the host between two events, as a crash does.
 */
export class SimActivation {
  readonly #history: History;
  readonly #host: ActivatedHost;
  #active: { readonly grant: Grant } | undefined;

  constructor(history: History, host: ActivatedHost) {
    this.#history = history;
    this.#host = host;
  }

  get isBusy(): boolean {
    return this.#active !== undefined;
  }

  /** Sites in the middle of an activation that is no revert. */
  get forwards(): ReadonlySet<string> {
    const grant = this.#active?.grant;
    if (grant === undefined || grant.kind === "revert") return new Set();
    return new Set(grant.units.map(({ unit }) => unit.split(":")[1] ?? ""));
  }

  begin(grant: Grant): void {
    this.#active = { grant };
    this.#later(this.#history.prng.whole(500, 12_000), () => this.#prepared(grant));
  }

  stop(): void {
    this.#active = undefined;
  }

  #later(ms: number, act: () => void): void {
    const mine = this.#active;
    this.#history.time.after(ms, () => {
      if (this.#active === mine) act();
    });
  }

  #prepared(grant: Grant): void {
    const behaviour = this.#worst(grant);
    const failed = { kind: "failed", touchedTraffic: false } as const;
    if (behaviour === "dies-on-start") this.#end(grant, { ...failed, failure: "start", reason: "exited with code 1" });
    else if (behaviour === "bad-before") {
      this.#end(grant, { ...failed, failure: "probes-before", reason: "answered 400 before the switch" });
    } else {
      this.#host.switch(grant);
      this.#later(this.#history.prng.whole(100, 2000), () => this.#probed(grant));
    }
  }

  #probed(grant: Grant): void {
    const reason = "answered 502 after the switch";
    if (this.#worst(grant) !== "bad-after") this.#end(grant, { kind: "live" });
    else this.#end(grant, { kind: "failed", failure: "probes-after", reason, touchedTraffic: true });
  }

  #end(grant: Grant, outcome: ActivationOutcome): void {
    this.stop();
    this.#host.end(grant, outcome);
  }

  #worst({ units }: Grant): string {
    const found = units.map(({ digest }) => this.#history.behaviours.get(digest) ?? "good");
    return found.find((behaviour) => behaviour !== "good") ?? "good";
  }
}
