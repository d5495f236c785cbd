import type { Prng } from "../simulation/prng.ts";
import { type BadRate, type Count, type StratumSource, stratumSource } from "./stratum-source.ts";

/** One changed host and its controls, all serving the same strata. Blocks last ten seconds. */
export interface SiteRun {
  /** Requests a second on each host, by stratum. */
  readonly perSecond: readonly number[];
  readonly base: BadRate;
  readonly controls: number;
  /** Blocks before the change, and after it. */
  readonly historyBlocks: number;
  readonly blocks: number;
  /** The change does this to one stratum of the changed host. */
  readonly broken?: { readonly stratum: number; readonly rate: number; readonly fromBlock?: number };
  /** What happens to all hosts alike after the change: a factor on the bad rate, by block. */
  readonly drift?: (block: number) => number;
  /** The changed host always had this many times the bad rate of the others, and of their traffic. */
  readonly changedFactor?: number;
  readonly changedTraffic?: number;
  /** All hosts have this many times their traffic after the change. */
  readonly growth?: number;
}

export interface SiteCounts {
  /** Of the changed host, by stratum and block. */
  readonly history: readonly (readonly Count[])[];
  readonly changed: readonly (readonly Count[])[];
  /** Of all controls together. */
  readonly others: readonly (readonly Count[])[];
}

const day = 8640;
const hour = 360;

export const siteRun = (more: Partial<SiteRun>): SiteRun => ({
  perSecond: [9, 1, 0.1],
  base: { rate: 0.01, bursty: false },
  controls: 3,
  historyBlocks: day,
  blocks: hour,
  ...more,
});

export function simulateSite(prng: Prng, run: SiteRun): SiteCounts {
  const perStratum = run.perSecond.map((perSecond, stratum) => simulateStratum(prng, run, perSecond, stratum));
  return {
    history: perStratum.map(({ history }) => history),
    changed: perStratum.map(({ changed }) => changed),
    others: perStratum.map(({ others }) => others),
  };
}

function simulateStratum(prng: Prng, run: SiteRun, perSecond: number, stratum: number) {
  const source = stratumSource(prng, perSecond * (run.changedTraffic ?? 1), run.base);
  const controls = Array.from({ length: run.controls }, () => stratumSource(prng, perSecond, run.base));
  const factor = run.changedFactor ?? 1;
  const history = Array.from({ length: run.historyBlocks }, () => source.next({ factor }));
  const grown = (of: StratumSource, perSecondNow: number): StratumSource =>
    run.growth === undefined ? of : stratumSource(prng, perSecondNow * run.growth, run.base);
  const since = grown(source, perSecond * (run.changedTraffic ?? 1));
  const besides = controls.map((control) => grown(control, perSecond));
  const changed: Count[] = [];
  const others: Count[] = [];
  for (let block = 0; block < run.blocks; block++) {
    const drift = run.drift?.(block) ?? 1;
    const broken = run.broken?.stratum === stratum && block >= (run.broken.fromBlock ?? 0) ? run.broken : undefined;
    changed.push(since.next(broken === undefined ? { factor: factor * drift } : { rate: broken.rate }));
    others.push(sumOf(besides.map((control) => control.next({ factor: drift }))));
  }
  return { history, changed, others };
}

export function sumOf(counts: readonly Count[]): Count {
  let requests = 0;
  let bad = 0;
  for (const count of counts) {
    requests += count.requests;
    bad += count.bad;
  }
  return { requests, bad };
}

/** All strata of a site together, minute by minute: what rules on an aggregate look at. */
export function minutesOf(strata: readonly (readonly Count[])[]): readonly Count[] {
  const blocks = strata[0]?.length ?? 0;
  return Array.from({ length: Math.floor(blocks / 6) }, (_, minute) =>
    sumOf(strata.flatMap((counts) => counts.slice(minute * 6, minute * 6 + 6))),
  );
}
