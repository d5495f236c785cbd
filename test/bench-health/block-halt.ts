import type { Tolerance } from "@sluice/core";
import { blockRule, evidenceOf, feedBlockRule, strict } from "./rules/block-rule.ts";
import type { SiteCounts, SiteRun } from "./simulate-site.ts";
import type { Count } from "./stratum-source.ts";

/** One of a hundred strata of a rollout with a false halt in a hundred: the bar of all tables. */
export const logBar = Math.log(1e4);

/** Which evidence is asked. */
export type Reference = "same" | "own" | "both";

export interface BlockHalt {
  readonly run: SiteRun;
  readonly counts: SiteCounts;
  readonly reference?: Reference;
  readonly tolerance?: Tolerance;
  readonly logBar?: number;
}

/** When the evidence of one stratum reached its bar: seconds since the change, and requests of the changed host. */
export function blockHaltOf(
  { run, counts, reference = "both", tolerance = strict, logBar: bar = logBar }: BlockHalt,
  stratum: number,
): { readonly seconds: number; readonly requests: number } | undefined {
  const changed = counts.changed[stratum] ?? [];
  const others = counts.others[stratum] ?? [];
  const rule = blockRule(counts.history[stratum] ?? [], tolerance);
  let requests = 0;
  for (const [block, count] of changed.entries()) {
    feedBlockRule(rule, count, others[block] as Count, run.controls);
    requests += count.requests;
    if (evidenceOf(rule)[reference] >= bar) return { seconds: (block + 1) * 10, requests };
  }
  return undefined;
}

/** When any stratum did. */
export function anyBlockHalt(of: BlockHalt): number | undefined {
  const halts = of.run.perSecond.map((_, stratum) => blockHaltOf(of, stratum)?.seconds ?? Number.POSITIVE_INFINITY);
  const first = Math.min(...halts);
  return Number.isFinite(first) ? first : undefined;
}
