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
import { hostsWithEvidence } from "./evidence-rows.ts";
import { type KnownWay, readAllWays } from "./evidence-ways.ts";
import { answersOf } from "./probe-rounds.ts";
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

/** How far back the log is restored, and how many results of each probe one by one: as much as it keeps in memory. */
const restoredMs = 6 * 3_600_000;
const tailMax = 32;

/** What was heard before the last stop, from the rounds on disk; results between two rounds are gone. */
export function readEvidence(db: Db, now: Instant): EvidenceLog {
  const cursors = db.all<{ host: string; epoch_began: number; seq: number }>(
    "SELECT host, epoch_began, seq FROM evidence_cursors",
  );
  const ways = new Map([...readAllWays(db)].filter(([, { probe }]) => probe !== ""));
  const range = { from: instant(now - restoredMs), until: instant(Number.MAX_SAFE_INTEGER) };
  const series = hostsWithEvidence(db, "probe_rounds").flatMap((host) =>
    seriesOf(host, answersOf(db, { host, ...range }, ways)),
  );
  return {
    heard: Object.fromEntries(cursors.map((row) => [row.host, { epoch: row.epoch_began as Instant, seq: row.seq }])),
    series: Object.fromEntries(series),
  };
}

function seriesOf(host: string, answers: readonly ProbeAnswer[]): readonly (readonly [string, Series])[] {
  const known = answers.filter(({ outcome }) => outcome.kind !== "unknown");
  const groups = Map.groupBy(known, ({ stratum }) => seriesKey(host, probeStratum(stratum)));
  return [...groups].flatMap(([key, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const byProbe = Map.groupBy(group, ({ stratum }) => stratum.probe);
    const tails = [...byProbe].map(([probe, list]) => [probe, list.slice(-tailMax).map(judged)] as const);
    const stratum = probeStratum(first.stratum);
    return [[key, { host, stratum, blocks: blocksOf(group), tails: Object.fromEntries(tails) }] as const];
  });
}

const probeStratum = ({ site, binding, hop }: Pick<KnownWay, "site" | "binding" | "hop">): Stratum => ({
  ...{ site, binding, hop },
  source: "probe",
  indicator: "failure",
});

const judged = ({ round, outcome }: ProbeAnswer): Judged => ({ at: round, heardAt: round, ...failureOf(outcome) });

const failureOf = (outcome: ProbeOutcome): Pick<Judged, "failure"> =>
  outcome.kind === "bad" ? { failure: outcome.reason } : {};

function blocksOf(answers: readonly ProbeAnswer[]): readonly Block[] {
  const groups = Map.groupBy(answers, ({ round }) => Math.floor(round / blockMs) * blockMs);
  return [...groups].map(([startsAt, group]) => ({
    startsAt: instant(startsAt),
    requests: group.length,
    bad: group.filter(({ outcome }) => outcome.kind === "bad").length,
  }));
}
