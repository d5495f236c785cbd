import { outcomes as allOutcomes, type Outcome } from "./outcome.ts";
import { isLatency, type OutcomeIndicator, type TrafficIndicator } from "./tested-stratum.ts";
import type { TrafficBlock } from "./traffic-block.ts";
import type { Tally } from "./verdict-row.ts";

const badOutcomes: Readonly<Record<OutcomeIndicator, readonly Outcome[]>> = {
  failed: ["failed", "unreachable"],
  refused: ["refused"],
  "not-found": ["not-found"],
  denied: ["denied"],
  limited: ["limited"],
  redirected: ["redirected"],
};

/** A day of history is hundreds of thousands of tallies, and a list that is known costs a fraction of asking each block for it. */
const countedOutcomes = allOutcomes.filter((outcome) => outcome !== "aborted");

/**
 * The requests of a block under one indicator. Those whose client went away say nothing. `slowAbove` is the place
 * among the latency buckets above which a request is slow; where it lies within one, so does a part of the requests. Without it
 * nothing is known about latency, and the tally is empty.
 */
export function countBlock(block: TrafficBlock, indicator: TrafficIndicator, slowAbove: number | undefined): Tally {
  if (isLatency(indicator)) return slowAbove === undefined ? { requests: 0, bad: 0 } : countSlow(block, slowAbove);
  const { outcomes } = block;
  let requests = 0;
  for (const outcome of countedOutcomes) requests += outcomes[outcome] ?? 0;
  const bad = badOutcomes[indicator].reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), 0);
  return { requests, bad };
}

/** Requests of a block, whatever became of them. */
export const requestsOf = (block: TrafficBlock): number => countBlock(block, "failed", undefined).requests;

function countSlow({ latency }: TrafficBlock, slowAbove: number): Tally {
  let requests = 0;
  let bad = 0;
  latency.forEach((count, bucket) => {
    requests += count;
    bad += count * Math.min(1, Math.max(0, bucket + 1 - slowAbove));
  });
  return { requests, bad };
}
