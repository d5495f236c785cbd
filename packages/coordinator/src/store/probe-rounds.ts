import type { Instant, ProbeAnswer, ProbeOutcome, ProbeResult } from "@sluice/core";
import { addEntries, type RowRange, readEntries } from "./evidence-rows.ts";
import { ensureWay, type KnownWay, readWays } from "./evidence-ways.ts";
import type { Entry } from "./packed-entries.ts";
import type { Db } from "./store.ts";

/** A probe's result that belongs to a round of all hosts. */
export type RoundResult = ProbeResult & { readonly round: Instant; readonly bindingPort: number };

/** Whether the result belongs to a round; one between two rounds, or of an agent that knows of none, does not. */
export const isOfRound = (result: ProbeResult): result is RoundResult =>
  result.round !== undefined && result.bindingPort !== undefined;

/** Saves how one host answered; an answer of a round that is known already stays as it is. */
export function addRounds(db: Db, host: string, results: readonly RoundResult[]): void {
  for (const [site, ofSite] of Map.groupBy(results, (result) => result.site)) {
    for (const [at, together] of Map.groupBy(ofSite, ({ round }) => round)) {
      const entries = together.map((result) => entryOf(ensureWay(db, result), result.outcome));
      addEntries(db, "probe_rounds", { host, site, at, entries });
    }
  }
}

/** Answers of one host about a site in the range of rounds, oldest first. Those of one probe share their stratum. */
export function readRounds(db: Db, range: RowRange, site: string): readonly ProbeAnswer[] {
  const { host } = range;
  const strata = new Map([...readWays(db, site)].map(([id, way]) => [id, stratumOf(way)]));
  return readEntries(db, "probe_rounds", range, site).flatMap(({ at: round, entries }) =>
    entries.flatMap((entry) => {
      const stratum = strata.get(entry.way);
      return stratum === undefined ? [] : [{ host, stratum, round, outcome: outcomeOf(entry) }];
    }),
  );
}

function stratumOf({ site, binding, bindingPort, hop, probe }: KnownWay): ProbeAnswer["stratum"] {
  return { site, binding, bindingPort, hop, probe, source: "probe", indicator: "unexpected" };
}

/** In the order in which rows on disk number them. */
const kinds = ["good", "bad", "unknown"] as const satisfies readonly ProbeOutcome["kind"][];

/** Counts: kind, status (0: none). Why nothing could be asked is the same from round to round and not worth keeping. */
function entryOf(way: number, outcome: ProbeOutcome): Entry {
  const status = outcome.kind === "unknown" ? 0 : (outcome.status ?? 0);
  return { way, counts: [kinds.indexOf(outcome.kind), status], text: outcome.kind === "bad" ? outcome.reason : "" };
}

function outcomeOf({ counts: [kind = 2, status = 0], text }: Entry): ProbeOutcome {
  switch (kinds[kind]) {
    case "good":
      return { kind: "good", status };
    case "bad":
      return { kind: "bad", reason: text, ...(status === 0 ? {} : { status }) };
    default:
      return { kind: "unknown", reason: "it could not be asked" };
  }
}
