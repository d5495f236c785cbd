import type { WaveSize } from "../fleet/fleet.ts";

/**
 * Cuts hosts into waves, in their order. Sizes are cumulative over the hosts and rounded up, so that `[1, 50%, 100%]`
 * over five hosts is 1, 2 and 2. A size that adds no host makes no wave; the last wave takes whoever is left.
 */
export function planWaves(hosts: readonly string[], sizes: readonly WaveSize[]): readonly (readonly string[])[] {
  const waves: (readonly string[])[] = [];
  let taken = 0;
  for (const size of sizes) {
    const upTo = Math.min(hosts.length, cumulative(size, hosts.length));
    if (upTo > taken) waves.push(hosts.slice(taken, upTo));
    taken = Math.max(taken, upTo);
  }
  return taken < hosts.length ? [...waves, hosts.slice(taken)] : waves;
}

function cumulative(size: WaveSize, hosts: number): number {
  return size.kind === "hosts" ? size.count : Math.ceil((hosts * size.percent) / 100);
}
