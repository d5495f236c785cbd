import type { Hop, References, RowState, Tally, TestedStratum, VerdictRow, Way } from "@sluice/core";
import { trafficIndicators } from "@sluice/core/health/tested-stratum";
import { Problem } from "@sluice/core/problems/problem";
import { durationMs, instant } from "@sluice/core/units/time";
import type * as wire from "./generated/sluice/types/v1/rollout.ts";

const hops: readonly Hop[] = ["slot", "proxy", "front", "edge"];
const rowStates: readonly RowState[] = ["fine", "suspect", "regressed", "shared", "silent", "no-data", "needs-more"];
const references: readonly References[] = ["both", "history", "others", "nothing"];

/** One row of the table of evidence as it goes over the wire. */
export function toWireEvidenceRow(from: VerdictRow): wire.EvidenceRow {
  const { host, stratum, required, state, now, before, others, evidence, bar, lastFailure, ruledOut, toRuleOut } = from;
  const { site, binding, bindingPort, hop, source, indicator } = stratum;
  return {
    ...{ host, site, binding, bindingPort, hop, source, indicator, required, state, evidence, bar },
    ...{ lastFailure, ruledOut, toRuleOut },
    probe: stratum.source === "probe" ? stratum.probe : undefined,
    sinceMs: from.since,
    observedMs: from.observedMs,
    now: { requests: now.requests, bad: now.bad },
    before: { requests: before.requests, bad: before.bad },
    others: { requests: others.requests, bad: others.bad },
    otherHosts: others.hosts,
    references: from.references,
    newestAtMs: from.newestAt,
    missing:
      from.missing === undefined ? undefined : { requests: from.missing.requests, takesMs: from.missing.takesMs },
  };
}

/** Reads one row; throws `message-invalid` on words outside the contract. */
export function fromWireEvidenceRow(from: wire.EvidenceRow): VerdictRow {
  const { host, required, evidence, bar, lastFailure, ruledOut, toRuleOut, missing } = from;
  return {
    ...{ host, required, evidence, bar, ruledOut },
    stratum: fromWireStratum(from),
    state: oneOf(rowStates, from.state, "state"),
    since: instant(from.sinceMs),
    observedMs: durationMs(from.observedMs),
    now: fromWireTally(from.now),
    before: fromWireTally(from.before),
    others: { ...fromWireTally(from.others), hosts: from.otherHosts },
    references: oneOf(references, from.references, "reference"),
    ...(from.newestAtMs === undefined ? {} : { newestAt: instant(from.newestAtMs) }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(toRuleOut === undefined ? {} : { toRuleOut }),
    ...(missing === undefined ? {} : { missing: fromWireMissing(missing) }),
  };
}

function fromWireStratum(from: wire.EvidenceRow): TestedStratum {
  const { site, binding, bindingPort } = from;
  const hop = oneOf(hops, from.hop, "hop");
  const way: Way = { site, binding, bindingPort, hop };
  if (from.source === "probe") return { ...way, source: "probe", probe: from.probe ?? "", indicator: "unexpected" };
  if (hop !== "front" && hop !== "proxy") throw unknownWord("hop of traffic", hop);
  return { ...way, hop, source: "traffic", indicator: oneOf(trafficIndicators, from.indicator, "indicator") };
}

const fromWireTally = (from: wire.EvidenceTally | undefined): Tally => ({
  requests: from?.requests ?? 0,
  bad: from?.bad ?? 0,
});

const fromWireMissing = ({ requests, takesMs }: wire.EvidenceMissing): NonNullable<VerdictRow["missing"]> => ({
  ...(requests === undefined ? {} : { requests }),
  ...(takesMs === undefined ? {} : { takesMs: durationMs(takesMs) }),
});

function oneOf<Word extends string>(words: readonly Word[], text: string, noun: string): Word {
  const known = words.find((word) => word === text);
  if (known === undefined) throw unknownWord(noun, text);
  return known;
}

const unknownWord = (noun: string, text: string): Problem =>
  new Problem("message-invalid", `cannot read evidence row: '${text}' is no ${noun} this version knows`);
