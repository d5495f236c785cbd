import {
  type Block,
  blockMs,
  type EvidenceLog,
  type Instant,
  instant,
  type ProbeAnswer,
  type ProbeOutcome,
  type Stratum,
  seriesKey,
} from "@sluice/core";
import { placesWithEvidence } from "./evidence-rows.ts";
import { readRounds } from "./probe-rounds.ts";
import type { Db } from "./store.ts";

type Series = EvidenceLog["series"][string];
type Judged = Series["tails"][string][number];

/** How far an agent's batches are counted. `epochBegan` orders the epochs of one host. */
export interface EvidenceCursor {
  readonly epoch: string;
  readonly epochBegan: Instant;
  readonly seq: number;
}

export function readEvidenceCursor(db: Db, host: string): EvidenceCursor | undefined {
  const row = db.get<{ epoch: string; epoch_began: number; seq: number }>(
    "SELECT * FROM evidence_cursors WHERE host = ?",
    host,
  );
  return row === undefined ? undefined : { epoch: row.epoch, epochBegan: row.epoch_began as Instant, seq: row.seq };
}

export function writeEvidenceCursor(db: Db, host: string, { epoch, epochBegan, seq }: EvidenceCursor): void {
  db.run(
    `INSERT INTO evidence_cursors (host, epoch, epoch_began, seq) VALUES (?, ?, ?, ?)
     ON CONFLICT (host) DO UPDATE SET epoch = excluded.epoch, epoch_began = excluded.epoch_began, seq = excluded.seq`,
    host,
    epoch,
    epochBegan,
    seq,
  );
}

/** How far back the log is restored, and how many results of each probe one by one: what is under way goes on by it. */
const restoredMs = 3_600_000;
const tailMax = 32;

/** What was heard before the last stop, from the rounds on disk; results between two rounds are gone. */
export function readEvidence(db: Db, now: Instant): EvidenceLog {
  const cursors = db.all<{ host: string; epoch_began: number; seq: number }>(
    "SELECT host, epoch_began, seq FROM evidence_cursors",
  );
  const from = instant(now - restoredMs);
  const until = instant(Number.MAX_SAFE_INTEGER);
  const series = placesWithEvidence(db, "probe_rounds", from).flatMap(({ host, site }) =>
    seriesOf(host, readRounds(db, { host, from, until }, site)),
  );
  return {
    heard: Object.fromEntries(cursors.map((row) => [row.host, { epoch: row.epoch_began as Instant, seq: row.seq }])),
    series: Object.fromEntries(series),
  };
}

function seriesOf(host: string, answers: readonly ProbeAnswer[]): readonly (readonly [string, Series])[] {
  const known = answers.filter(({ outcome }) => outcome.kind !== "unknown");
  const probes = [...Map.groupBy(known, ({ stratum }) => stratum)];
  return [...Map.groupBy(probes, ([stratum]) => seriesKey(host, failureOn(stratum)))].flatMap(([key, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const tails = group.map(([{ probe }, list]) => [probe, list.slice(-tailMax).map(judged)] as const);
    const blocks = blocksOf(group.flatMap(([, list]) => list));
    return [[key, { host, stratum: failureOn(first[0]), blocks, tails: Object.fromEntries(tails) }] as const];
  });
}

const failureOn = ({ site, binding, hop }: ProbeAnswer["stratum"]): Stratum => ({
  ...{ site, binding, hop },
  source: "probe",
  indicator: "failure",
});

const judged = ({ round, outcome }: ProbeAnswer): Judged => ({ at: round, heardAt: round, ...failureOf(outcome) });

const failureOf = (outcome: ProbeOutcome): Pick<Judged, "failure"> =>
  outcome.kind === "bad" ? { failure: outcome.reason } : {};

function blocksOf(answers: readonly ProbeAnswer[]): readonly Block[] {
  const groups = Map.groupBy(answers, ({ round }) => Math.floor(round / blockMs) * blockMs);
  return [...groups]
    .toSorted(([a], [b]) => a - b)
    .map(([startsAt, group]) => ({
      startsAt: instant(startsAt),
      requests: group.length,
      bad: group.filter(({ outcome }) => outcome.kind === "bad").length,
    }));
}
