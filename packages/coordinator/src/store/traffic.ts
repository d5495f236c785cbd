import { type Instant, outcomes, type TrafficBlock } from "@sluice/core";
import { addEntries, type RowRange, readEntries } from "./evidence-rows.ts";
import { ensureWay, type KnownWay, readWays } from "./evidence-ways.ts";
import type { Entry } from "./packed-entries.ts";
import type { Db } from "./store.ts";

/** Saves blocks of one host; a block that is known already stays as it is. */
export function addTraffic(db: Db, host: string, blocks: readonly TrafficBlock[]): void {
  for (const [site, ofSite] of Map.groupBy(blocks, (block) => block.site)) {
    for (const [at, together] of Map.groupBy(ofSite, ({ startsAt }) => startsAt)) {
      const entries = together.map((block) => entryOf(ensureWay(db, { ...block, probe: "" }), block));
      addEntries(db, "traffic_blocks", { host, site, at, entries });
    }
  }
}

/** Blocks of a site on one host that start in the range, oldest first. */
export function readTraffic(db: Db, range: RowRange, site: string): readonly TrafficBlock[] {
  const ways = readWays(db, site);
  return readEntries(db, "traffic_blocks", range, site).flatMap(({ at, entries }) =>
    entries.flatMap((entry) => {
      const way = ways.get(entry.way);
      return way === undefined ? [] : [blockOf(way, at, entry)];
    }),
  );
}

/** Counts: number of outcomes, the outcomes, the first bucket in use, the buckets from there. Nothing at all when nobody came. */
function entryOf(way: number, { outcomes: counted, latency }: TrafficBlock): Entry {
  const places = outcomes.map((outcome) => counted[outcome] ?? 0);
  const used = places.slice(0, places.findLastIndex((count) => count > 0) + 1);
  const first = latency.findIndex((count) => count > 0);
  if (used.length === 0 && first < 0) return { way, counts: [], text: "" };
  return { way, counts: [used.length, ...used, ...(first < 0 ? [] : [first, ...latency.slice(first)])], text: "" };
}

function blockOf({ site, binding, bindingPort, hop }: KnownWay, startsAt: Instant, { counts }: Entry): TrafficBlock {
  const [length = 0, ...rest] = counts;
  const counted = rest
    .slice(0, length)
    .flatMap((count, place) => (count === 0 ? [] : [[outcomes[place], count] as const]));
  const [first = 0, ...buckets] = rest.slice(length);
  return {
    ...{ startsAt, site, binding, bindingPort },
    hop: hop === "front" ? "front" : "proxy",
    outcomes: Object.fromEntries(counted),
    latency: buckets.length === 0 ? [] : [...new Array<number>(first).fill(0), ...buckets],
  };
}
