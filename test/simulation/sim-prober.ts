import { type Instant, type ProbeResult, parseUnit, type UnitKey } from "@sluice/core";
import type { History } from "./history.ts";

/** Asks the sites of one simulated host on every way, and remembers what was really answered. */
export class SimProber {
  /** Good results that a site release gave on this host, by `digest|hop`. */
  readonly goodResults = new Map<string, number>();
  readonly #history: History;
  readonly #host: string;
  readonly #liveSince = new Map<string, number>();

  constructor(history: History, host: string) {
    this.#history = history;
    this.#host = host;
  }

  /** The unit runs something from now on. */
  switched(unit: string): void {
    this.#liveSince.set(unit, this.#history.time.now);
  }

  /** Asks every site on both ways, with what its live release makes of it. */
  probe(running: ReadonlyMap<string, string>, at: Instant): readonly ProbeResult[] {
    const results: ProbeResult[] = [];
    for (const [unit, digest] of running) {
      const parsed = parseUnit(unit as UnitKey);
      if (parsed.kind !== "site") continue;
      const { site } = parsed;
      for (const hop of ["proxy", "edge"] as const) {
        const outcome = this.#ask(unit, digest, hop);
        const key = `${digest}|${hop}`;
        if (outcome.kind === "good") this.goodResults.set(key, (this.goodResults.get(key) ?? 0) + 1);
        results.push({ host: this.#host, site, binding: site, hop, probe: "GET /", at, tookMs: 3, outcome });
      }
    }
    return results;
  }

  #ask(unit: string, digest: string, hop: "proxy" | "edge"): ProbeResult["outcome"] {
    const { behaviours, prng, options, time } = this.#history;
    if (hop === "edge" && prng.chance(options.edgeUnknown))
      return { kind: "unknown", reason: "the edge led to another host" };
    const behaviour = behaviours.get(digest);
    const bad =
      (behaviour === "bad-edge" && hop === "edge") ||
      (behaviour === "bad-later" && time.now - (this.#liveSince.get(unit) ?? 0) > 8000);
    return bad ? { kind: "bad", status: 400, reason: "answered 400, expected 200" } : { kind: "good", status: 200 };
  }
}
