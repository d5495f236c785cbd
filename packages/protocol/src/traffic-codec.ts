import type { Instant, TrafficBlock } from "@sluice/core";
import { outcomes } from "@sluice/core/health/outcome";
import { blockMs } from "@sluice/core/health/traffic-block";
import { Problem } from "@sluice/core/problems/problem";
import { instant } from "@sluice/core/units/time";
import type { QuietBlocks, TrafficSeries } from "./generated/sluice/agent/v1/agent.ts";
import type { TrafficBlock as WireBlock } from "./generated/sluice/types/v1/health.ts";

/** Blocks as they go over the wire: by way, and those without a request as runs. */
export function toWireTraffic(blocks: readonly TrafficBlock[]): TrafficSeries[] {
  const series = new Map<string, TrafficSeries>();
  for (const block of blocks) {
    const { site, binding, bindingPort, hop } = block;
    const key = [site, binding, bindingPort, hop].join("|");
    const one = series.get(key) ?? { site, binding, bindingPort, hop, blocks: [], quiet: [] };
    series.set(key, one);
    if (isQuiet(block)) addQuiet(one.quiet, block.startsAt);
    else one.blocks.push(toWireBlock(block));
  }
  return [...series.values()];
}

/** Reads the blocks of a batch; throws `message-invalid` on what is outside the contract. */
export function fromWireTraffic(series: readonly TrafficSeries[]): readonly TrafficBlock[] {
  return series.flatMap(({ site, binding, bindingPort, hop, blocks, quiet }) => {
    const way = { site, binding, bindingPort, hop: asHop(hop) };
    return [
      ...blocks.map((block) => ({ ...way, ...fromWireCounts(block), startsAt: asStart(block.startsAtMs) })),
      ...quiet.flatMap(startsOf).map((startsAt) => ({ ...way, startsAt, outcomes: {}, latency: [] })),
    ];
  });
}

/** One block without the names of its way. */
export function toWireBlock({
  startsAt,
  outcomes: counts,
  latency,
}: Omit<TrafficBlock, "site" | "binding">): WireBlock {
  const places = outcomes.map((outcome) => counts[outcome] ?? 0);
  return { startsAtMs: startsAt, outcomes: cutZeros(places), latency: cutZeros(latency) };
}

/** Places of an outcome table or a histogram without the zeros at its end. */
export const cutZeros = (places: readonly number[]): number[] =>
  places.slice(0, places.findLastIndex((count) => count > 0) + 1);

function fromWireCounts({ outcomes: places, latency }: WireBlock): Pick<TrafficBlock, "outcomes" | "latency"> {
  const counted = places.flatMap((count, place) => {
    const outcome = outcomes[place];
    return count === 0 || outcome === undefined ? [] : [[outcome, count] as const];
  });
  return { outcomes: Object.fromEntries(counted), latency };
}

const isQuiet = ({ outcomes: counts, latency }: TrafficBlock): boolean =>
  Object.keys(counts).length === 0 && latency.length === 0;

function addQuiet(runs: QuietBlocks[], startsAt: Instant): void {
  const last = runs.at(-1);
  if (last !== undefined && last.startsAtMs + last.blocks * blockMs === startsAt) last.blocks += 1;
  else runs.push({ startsAtMs: startsAt, blocks: 1 });
}

/** A day of silence: longer ones are forgotten on both sides. */
const quietMax = 86_400_000 / blockMs;

function startsOf({ startsAtMs, blocks }: QuietBlocks): readonly Instant[] {
  if (blocks < 0 || blocks > quietMax) {
    throw new Problem("message-invalid", `cannot read traffic: ${blocks} blocks in a row are more than a day`);
  }
  return Array.from({ length: blocks }, (_, index) => instant(asStart(startsAtMs) + index * blockMs));
}

function asStart(ms: number): Instant {
  if (ms > 0 && ms % blockMs === 0) return instant(ms);
  throw new Problem("message-invalid", `cannot read traffic: no block starts at ${ms}`);
}

function asHop(text: string): TrafficBlock["hop"] {
  if (text === "front" || text === "proxy") return text;
  throw new Problem("message-invalid", `cannot read traffic: '${text}' is no hop that counts requests`);
}
