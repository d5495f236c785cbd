import type { Instant, TrafficBlock, UnitKey } from "@sluice/core";
import { wayKey } from "@sluice/core/health/tested-stratum";
import { blockMs } from "@sluice/core/health/traffic-block";
import { parseUnit } from "@sluice/core/intent/intent";
import { instant } from "@sluice/core/units/time";
import type { BindingCounts, ProxyCounts } from "@sluice/proxy/counting/proxy-counters";
import type { TrafficCounts } from "@sluice/proxy/counting/traffic-counters";
import type { CountedProxy, CountsReading } from "../drivers.ts";

/**
 * What was counted so far in the block that is open, over all proxy processes of a host: a predecessor and its successor add up.
 * Only what is known to belong to the block is in it. Immutable: {@link withReading} makes the next one.
 */
export interface Tally {
  /** Absent before the first reading: what was counted before it is nobody's. */
  readonly readAt?: Instant;
  /** The newest word of each process that is there, by child id. */
  readonly known: Readonly<Record<string, KnownProxy>>;
  /** By way: requests of the open block. */
  readonly open: ReadonlyMap<string, TrafficBlock>;
  /** Units of which something in the open block is not known. */
  readonly spoiled: ReadonlySet<UnitKey>;
}

interface KnownProxy {
  readonly unit: UnitKey;
  /** Start of the block in which it was read last, or seen first. */
  readonly block: Instant;
  /** Absent: it was there and has not answered yet. */
  readonly counts?: ProxyCounts;
}

export const emptyTally: Tally = { known: {}, open: new Map(), spoiled: new Set() };

/** Adds what was counted since the reading before to the block that starts at `block`. */
export function withReading(tally: Tally, reading: CountsReading, block: Instant): Tally {
  const open = new Map(tally.open);
  const spoiled = new Set(tally.spoiled);
  for (const proxy of reading.counted) {
    const since = countedSince(tally, proxy, block, reading.at);
    if (since === "unknown") spoiled.add(proxy.unit);
    else if (since !== "nothing") addCounts(open, block, proxy, since);
  }
  return {
    readAt: reading.at,
    known: { ...silentOnes(tally, reading, block), ...readOnes(reading, block) },
    open,
    spoiled,
  };
}

/** Closed blocks, and how many could not be told. */
export interface ClosedBlocks {
  readonly tally: Tally;
  readonly blocks: readonly TrafficBlock[];
  readonly lost: number;
}

/**
 * Closes the block with the reading at its end. Each way of a proxy that was read has its block, with nothing in it when nobody
 * came. Ways of which a process could not be read have none: half a block would be an invention.
 */
export function closeBlock(tally: Tally, reading: CountsReading, block: Instant): ClosedBlocks {
  const { open, spoiled, ...rest } = withReading(tally, reading, block);
  const unread = reading.silent.filter(({ childId }) => tally.known[childId]?.counts !== undefined);
  const unknown = new Set([...spoiled, ...unread.map(({ unit }) => unit)]);
  const read = Object.values(rest.known).flatMap(({ unit, counts }) =>
    (counts?.bindings ?? []).map((binding) => emptyBlock(block, unit, binding)),
  );
  const all = new Map([...read.map((one) => [wayKey(one), one] as const), ...open]);
  const [lost, blocks] = split([...all.values()], (one) => unknown.has(unitOf(one)));
  const tillNow = Math.max(1, Math.floor((reading.at - block) / blockMs));
  return { tally: { ...rest, open: new Map(), spoiled: new Set() }, blocks, lost: lost.length * tillNow };
}

/** The counts to subtract from those of a process; `nothing` or `unknown` of it belongs to the block. */
type Since = ProxyCounts | "start" | "nothing" | "unknown";

function countedSince(tally: Tally, { childId, counts }: CountedProxy, block: Instant, at: Instant): Since {
  if (tally.readAt === undefined) return "nothing";
  if (at - block >= 2 * blockMs) return "unknown";
  const before = tally.known[childId];
  // Nobody saw it at the last reading, so it has started since.
  if (before === undefined) return "start";
  const gap = block - before.block;
  if (gap < 0 || gap > blockMs) return "unknown";
  if (before.counts === undefined || before.counts.startedAt !== counts.startedAt) return "start";
  return hasGrown(before.counts, counts) ? before.counts : "unknown";
}

/** Counts of one process only grow; others are not what they say. */
function hasGrown(before: ProxyCounts, now: ProxyCounts): boolean {
  return now.bindings.every((binding) => {
    const older = bindingIn(before, binding)?.users;
    if (older === undefined) return true;
    const outcomes = Object.entries(older.outcomes).every(
      ([outcome, count]) => (binding.users.outcomes[outcome as keyof typeof older.outcomes] ?? 0) >= count,
    );
    return outcomes && older.latency.every((count, bucket) => (binding.users.latency[bucket] ?? 0) >= count);
  });
}

/** A reading that was late closes later blocks as well. */
function readOnes({ counted, at }: CountsReading, block: Instant): Record<string, KnownProxy> {
  const closed = instant(Math.max(block, Math.floor(at / blockMs) * blockMs - blockMs));
  return Object.fromEntries(counted.map(({ childId, unit, counts }) => [childId, { unit, block: closed, counts }]));
}

const longAgo = instant(Number.NEGATIVE_INFINITY);

/** Of a process that was silent at the very first reading nobody knows since when it counts. */
function silentOnes(tally: Tally, { silent }: CountsReading, block: Instant): Record<string, KnownProxy> {
  const seenIn = tally.readAt === undefined ? longAgo : block;
  return Object.fromEntries(
    silent.map(({ childId, unit }) => [childId, tally.known[childId] ?? { unit, block: seenIn }]),
  );
}

function addCounts(
  open: Map<string, TrafficBlock>,
  block: Instant,
  proxy: CountedProxy,
  since: ProxyCounts | "start",
): void {
  for (const binding of proxy.counts.bindings) {
    const empty = emptyBlock(block, proxy.unit, binding);
    const key = wayKey(empty);
    const older = since === "start" ? undefined : bindingIn(since, binding)?.users;
    open.set(key, withCounts(open.get(key) ?? empty, binding.users, older));
  }
}

function withCounts(block: TrafficBlock, now: TrafficCounts, older: TrafficCounts | undefined): TrafficBlock {
  const outcomes: Record<string, number> = { ...block.outcomes };
  for (const [outcome, count] of Object.entries(now.outcomes)) {
    const more = count - (older?.outcomes[outcome as keyof typeof now.outcomes] ?? 0);
    if (more > 0) outcomes[outcome] = (outcomes[outcome] ?? 0) + more;
  }
  const latency = now.latency.map(
    (count, bucket) => count - (older?.latency[bucket] ?? 0) + (block.latency[bucket] ?? 0),
  );
  return { ...block, outcomes, latency: latency.slice(0, latency.findLastIndex((count) => count > 0) + 1) };
}

const bindingIn = ({ bindings }: ProxyCounts, { name, bindingPort, site }: BindingCounts): BindingCounts | undefined =>
  bindings.find((one) => one.name === name && one.bindingPort === bindingPort && one.site === site);

function emptyBlock(startsAt: Instant, unit: UnitKey, { name, bindingPort, site = "" }: BindingCounts): TrafficBlock {
  const parsed = parseUnit(unit);
  const way = "site" in parsed ? ({ hop: "proxy", site: parsed.site } as const) : ({ hop: "front", site } as const);
  return { startsAt, ...way, binding: name, bindingPort, outcomes: {}, latency: [] };
}

const unitOf = ({ hop, site }: TrafficBlock): UnitKey => (hop === "front" ? "front" : `proxy:${site}`);

function split<T>(list: readonly T[], isLeft: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(isLeft), list.filter((one) => !isLeft(one))];
}
