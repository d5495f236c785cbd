import type { ProbeResult } from "../probing/probe-result.ts";
import { durationMs, type Instant, instant } from "../units/time.ts";
import type { Block, Stratum, StratumEvidence } from "./verdict.ts";

/** Length of a block: typical bursts fit into one, so that a burst counts as one event (health-verdict §2.7). */
export const blockMs = durationMs(10_000);

/** Blocks kept per stratum and host: six hours of history. */
const blocksMax = 2160;

/** Results kept one by one per probe: enough for every rule that counts in a row. */
const tailMax = 32;

/** What one host's probes said, in one message. Delivered at least once: the same batch again changes nothing. */
export interface ProbeBatch {
  readonly host: string;
  /** When the agent that counts the batches started; a new agent counts anew. */
  readonly epoch: Instant;
  /** Grows with every batch of an epoch. */
  readonly seq: number;
  /** When it came in, by the clock that verdicts go by; results carry their host's own. */
  readonly heardAt: Instant;
  readonly results: readonly ProbeResult[];
}

/** Everything heard so far. Immutable: {@link withBatch} makes the next one. */
export interface EvidenceLog {
  readonly heard: Readonly<Record<string, { readonly epoch: Instant; readonly seq: number }>>;
  readonly series: Readonly<Record<string, Series>>;
}

interface Series {
  readonly host: string;
  readonly stratum: Stratum;
  /** In order of time. */
  readonly blocks: readonly Block[];
  /** By probe: its newest results in order of time. Two probes of one binding fail each on their own. */
  readonly tails: Readonly<Record<string, readonly Judged[]>>;
}

interface Judged {
  readonly at: Instant;
  readonly heardAt: Instant;
  readonly failure?: string;
}

export const emptyEvidence: EvidenceLog = { heard: {}, series: {} };

/** Adds a batch unless it, or a later one of the same agent, was heard before. */
export function withBatch(log: EvidenceLog, batch: ProbeBatch): EvidenceLog {
  const last = log.heard[batch.host];
  if (last !== undefined && (batch.epoch < last.epoch || (batch.epoch === last.epoch && batch.seq <= last.seq)))
    return log;
  const series: Record<string, Series> = { ...log.series };
  for (const result of batch.results) {
    const stratum = stratumOf(result);
    const key = seriesKey(batch.host, stratum);
    const before = series[key] ?? { host: batch.host, stratum, blocks: [], tails: {} };
    series[key] = withResult(before, result, batch.heardAt);
  }
  return { heard: { ...log.heard, [batch.host]: { epoch: batch.epoch, seq: batch.seq } }, series };
}

export function stratumOf({ site, binding, hop }: Pick<ProbeResult, "site" | "binding" | "hop">): Stratum {
  return { site, binding, hop, source: "probe", indicator: "failure" };
}

/** Names a series: equal keys, equal host and stratum. */
export const seriesKey = (host: string, { site, binding, hop, source }: Stratum): string =>
  [host, site, binding, hop, source].join("|");

/** A result that says nothing about the host leaves no trace: unknown is neither good nor bad. */
function withResult(series: Series, { at, outcome, probe }: ProbeResult, heardAt: Instant): Series {
  if (outcome.kind === "unknown") return series;
  const judged: Judged = outcome.kind === "bad" ? { at, heardAt, failure: outcome.reason } : { at, heardAt };
  const tail = inOrder([...(series.tails[probe] ?? []), judged]).slice(-tailMax);
  return {
    ...series,
    blocks: withCount(series.blocks, at, outcome.kind === "bad" ? 1 : 0).slice(-blocksMax),
    tails: { ...series.tails, [probe]: tail },
  };
}

const inOrder = (tail: readonly Judged[]): readonly Judged[] => tail.toSorted((a, b) => a.at - b.at);

function withCount(blocks: readonly Block[], at: Instant, bad: number): readonly Block[] {
  const startsAt = instant(Math.floor(at / blockMs) * blockMs);
  const index = blocks.findLastIndex((block) => block.startsAt <= startsAt);
  const found = blocks[index];
  if (found?.startsAt === startsAt) {
    return blocks.with(index, { startsAt, requests: found.requests + 1, bad: found.bad + bad });
  }
  return blocks.toSpliced(index + 1, 0, { startsAt, requests: 1, bad });
}

export interface EvidenceQuestion {
  readonly now: Instant;
  /** Hosts under judgement, with the moment at which the change became live on each. */
  readonly changed: readonly { readonly host: string; readonly since: Instant }[];
  /** Hosts of the same sites that this rollout has not changed yet. */
  readonly controls: readonly string[];
  /** Every stratum that has to be judged, also those nobody has heard of: silence must not hide one. */
  readonly strata: readonly { readonly host: string; readonly stratum: Stratum; readonly required: boolean }[];
}

/** The evidence for a verdict, one entry for each stratum asked for. */
export function evidenceFor(log: EvidenceLog, question: EvidenceQuestion): readonly StratumEvidence[] {
  return question.strata.map(({ host, stratum, required }) => {
    const since = question.changed.find((one) => one.host === host)?.since ?? question.now;
    const series = log.series[seriesKey(host, stratum)];
    const blocks = closed(series, question.now);
    const before = blocks.filter(({ startsAt }) => startsAt + blockMs <= since);
    return {
      host,
      stratum,
      required,
      blocks: blocks.filter(({ startsAt }) => startsAt >= since),
      history: {
        cleanBlocks: before.filter(({ bad }) => bad === 0).length,
        badBlocks: before.filter(({ bad }) => bad > 0),
      },
      controls: question.controls
        .filter((control) => control !== host)
        .map((control) => ({
          host: control,
          blocks: closed(log.series[seriesKey(control, stratum)], question.now).filter(
            ({ startsAt }) => startsAt >= since,
          ),
        })),
      ...rowsOf(series, since),
    };
  });
}

function closed(series: Series | undefined, now: Instant): readonly Block[] {
  return (series?.blocks ?? []).filter(({ startsAt }) => startsAt + blockMs <= now);
}

/** Over all probes of the stratum: the worst run of failures, the shortest run of successes, the longest silence. */
function rowsOf(
  series: Series | undefined,
  since: Instant,
): Pick<StratumEvidence, "badInRow" | "goodInRow" | "lastFailure" | "coveredMs" | "heardAt"> {
  const tails = Object.values(series?.tails ?? {}).map((tail) => tail.filter(({ at }) => at >= since));
  const bad = tails.map((tail) => tail.length - 1 - tail.findLastIndex(({ failure }) => failure === undefined));
  const good = tails.map((tail) => tail.length - 1 - tail.findLastIndex(({ failure }) => failure !== undefined));
  const newest = tails
    .flat()
    .filter(({ failure }) => failure !== undefined)
    .toSorted((a, b) => a.at - b.at)
    .at(-1);
  return {
    badInRow: Math.max(0, ...bad),
    goodInRow: good.length === 0 ? 0 : Math.min(...good),
    coveredMs: durationMs(
      tails.length === 0 ? 0 : Math.min(...tails.map((tail) => (tail.at(-1)?.at ?? since) - since)),
    ),
    ...(tails.length === 0 ? {} : { heardAt: instant(Math.min(...tails.map((tail) => tail.at(-1)?.heardAt ?? 0))) }),
    ...(newest?.failure === undefined ? {} : { lastFailure: newest.failure }),
  };
}
