import type { SiteDuties } from "../intent/intent.ts";
import { freshFor } from "../probing/fresh.ts";
import type { Hop } from "../probing/probe-result.ts";
import { between, type DurationMs, formatDuration, type Instant } from "../units/time.ts";
import type { GateFacts } from "./gate.ts";

/** One way into a site, as probes ask it. */
export interface ProbedWay {
  readonly site: string;
  readonly binding: string;
  readonly hop: Hop;
}

export interface MonitoringQuestion {
  readonly now: Instant;
  /** When a probe on this way last said anything of the host, good or bad. */
  readonly heardAt: (way: ProbedWay) => Instant | undefined;
  readonly host: string;
  /** The sites that users reach on the host, as they are probed there now. */
  readonly duties: readonly SiteDuties[];
}

/**
 * Ways in of a host that no fresh probe result speaks for, good or bad: whoever is blind there would not see what a
 * change does. An edge that never told which host answered is left to the verdict, because its answers count for nobody.
 */
export function findUnheard({ now, heardAt, host, duties }: MonitoringQuestion): GateFacts["unheard"] {
  return duties.flatMap(({ site, bindings, probeEveryMs }) => {
    const freshMs = freshFor(probeEveryMs);
    const ways = bindings.flatMap((binding) => {
      const listener: Hop = binding.shared ? "front" : "proxy";
      const hops: readonly Hop[] = binding.edge === undefined ? [listener] : [listener, "edge"];
      return hops.map((hop) => ({ site, binding: binding.name, hop }));
    });
    return ways.flatMap((way) => {
      const at = heardAt(way);
      if (at === undefined && way.hop === "edge") return [];
      const why = silenceWords(at, now, freshMs);
      return why === undefined ? [] : [{ host, sentence: `${way.binding} via ${way.hop} on ${host} ${why}` }];
    });
  });
}

function silenceWords(heardAt: Instant | undefined, now: Instant, freshMs: DurationMs): string | undefined {
  if (heardAt === undefined) return "was never heard of";
  const silentMs = between(heardAt, now);
  return silentMs > freshMs ? `was last heard of ${formatDuration(silentMs)} ago` : undefined;
}
