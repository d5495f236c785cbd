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
  for (const [at, together] of Map.groupBy(results, ({ round }) => round)) {
    const entries = together.map((result) => entryOf(ensureWay(db, result), result.outcome));
    addEntries(db, "probe_rounds", host, { at, entries });
  }
}

/** Answers of one host about these sites in the range of rounds, oldest first. */
export function readRounds(db: Db, range: RowRange, sites: readonly string[]): readonly ProbeAnswer[] {
  const ways = readWays(db, sites, "probe");
  return ways.size === 0 ? [] : answersOf(db, range, ways);
}

/** The same of given ways, for whoever has read them already. */
export function answersOf(db: Db, range: RowRange, ways: ReadonlyMap<number, KnownWay>): readonly ProbeAnswer[] {
  return readEntries(db, "probe_rounds", range, ways).flatMap(({ at: round, entries }) =>
    entries.flatMap((entry) => {
      const way = ways.get(entry.way);
      return way === undefined ? [] : [{ host: range.host, stratum: stratumOf(way), round, outcome: outcomeOf(entry) }];
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
