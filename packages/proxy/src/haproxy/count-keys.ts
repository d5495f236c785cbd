import { latencyBoundsMs, latencyBuckets } from "@sluice/core/health/latency-buckets";
import { type Outcome, outcomeOf, outcomes } from "@sluice/core/health/outcome";

/**
 * What HAProxy counts by: one number that holds binding, kind, outcome and latency bucket, so that an answer costs one
 * look-up. Its own tables, maps and scripts add it up; {@link parseCountKey} takes it apart.
 */
const outcomeStep = 128;
const kindStep = 16 * outcomeStep;
const bindingStep = 2 * kindStep;
/** Marks a Host with a port on its way through the rules; it does not take part in counting. */
const portFlag = 2 ** 30;

/** Added for a probe. */
export const probeStep = kindStep;

/** Of requests of users at a binding, before outcome and latency are known. */
export const countBase = (binding: number): number => binding * bindingStep;

/** The same for a Host that carries its port. */
export const countBaseWithPort = (binding: number): number => portFlag + countBase(binding);

/** From here on a base is one of {@link countBaseWithPort}. */
export const withPortFrom = portFlag;

/** How many different keys there are for so many bindings, at most. */
export const countKeysMax = (bindings: number): number => 2 * 2 * bindings * outcomes.length * latencyBuckets;

export interface CountKey {
  readonly binding: number;
  readonly kind: "users" | "probes";
  readonly outcome: Outcome;
  /** Index of a latency bucket. */
  readonly bucket: number;
}

/** Undefined for a number that is no key. */
export function parseCountKey(key: number): CountKey | undefined {
  const bare = key >= portFlag ? key - portFlag : key;
  const outcome = outcomes[Math.floor((bare % kindStep) / outcomeStep)];
  const bucket = bare % outcomeStep;
  if (!Number.isInteger(bare) || bare < 0 || outcome === undefined || bucket >= latencyBuckets) return undefined;
  const kind = bare % bindingStep >= kindStep ? "probes" : "users";
  return { binding: Math.floor(bare / bindingStep), kind, outcome, bucket };
}

/** Microseconds to latency bucket; the first line takes what a clock that is set back makes negative. */
export function latencyMap(): string {
  const bounds = latencyBoundsMs.map((bound) => Math.floor(bound * 1000));
  const lines = bounds.map(
    (bound, bucket) => `${bucket === 0 ? "" : (bounds[bucket - 1] ?? 0) + 1}:${bound} ${bucket}\n`,
  );
  return lines.join("");
}

/** The bucket of everything slower than {@link latencyMap} knows. */
export const slowestBucket = latencyBuckets - 1;

/** Statuses of an answer to what is added for them; where neighbours are the same they share a line. */
export function outcomeMap(): string {
  const lines: string[] = [];
  for (let from = 100; from < 1000; ) {
    const outcome = outcomeOf(from);
    let to = from;
    while (to + 1 < 1000 && outcomeOf(to + 1) === outcome) to += 1;
    lines.push(`${from}:${to} ${outcomes.indexOf(outcome) * outcomeStep}\n`);
    from = to + 1;
  }
  return lines.join("");
}
