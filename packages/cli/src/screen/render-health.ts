import { durationMs, formatDuration, instant } from "@sluice/core";
import { countBlock } from "@sluice/core/health/count-block";
import { outcomes } from "@sluice/core/health/outcome";
import { isLatency, type TrafficIndicator, trafficIndicators } from "@sluice/core/health/tested-stratum";
import type {
  GetHealthResponse,
  HostHealth,
  ProbeHealth,
  ProbeRound,
  TrafficHealth,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Colors } from "../world.ts";
import { bindingWords } from "./binding-words.ts";
import { countWords, percentWords, plural } from "./count-words.ts";
import { latencyWords } from "./latency-words.ts";
import { renderTable } from "./render-table.ts";

/** Traffic and probes of every host of a site, newest minutes beside the whole history, and what is not known. */
export function renderHealth(health: GetHealthResponse, colors: Colors): string {
  if (health.hosts.length === 0) return `no host carries the site ${health.site}`;
  const times: Times = {
    nowMs: health.nowMs,
    blockMs: health.blockMs,
    historyWords: formatDuration(durationMs(Math.round((health.nowMs - health.sinceMs) / minuteMs) * minuteMs)),
  };
  return health.hosts.map((host) => hostHealth(host, times, colors)).join("\n\n");
}

/** The history begins with a block, a few seconds from a whole day. */
const minuteMs = 60_000;

interface Times {
  readonly nowMs: number;
  readonly blockMs: number;
  readonly historyWords: string;
}

function hostHealth(host: HostHealth, times: Times, colors: Colors): string {
  const nothing = host.traffic.length === 0 && host.probes.length === 0;
  return [
    colors.bold(`${host.host} (${host.environment})`),
    ...(nothing ? [colors.yellow("nothing was counted and no probe was answered yet")] : []),
    ...(host.traffic.length === 0 ? [] : [trafficTable(host.traffic, times, colors)]),
    ...(host.probes.length === 0 ? [] : [probeTable(host.probes, times, colors)]),
    ...droppedWords(host, times).map(colors.yellow),
  ].join("\n");
}

/** Requests of one way over some time: by outcome and by latency bucket. */
interface Counted {
  readonly outcomes: readonly number[];
  readonly latency: readonly number[];
}

/** Latency needs a threshold that only a change freezes. */
const shownIndicators = trafficIndicators.filter((indicator) => !isLatency(indicator));

function trafficTable(ways: readonly TrafficHealth[], times: Times, colors: Colors): string {
  const rows = ways.flatMap((way) => {
    const newest = sumOf(way.newest);
    const day: Counted = way.history ?? { outcomes: [], latency: [] };
    const span = way.newest.length === 0 ? "-" : formatDuration(durationMs(way.newest.length * times.blockMs));
    return [
      { way, when: span, counted: newest, note: silenceWords(way, times) },
      { way, when: times.historyWords, counted: day, note: "" },
    ];
  });
  const indicators = shownIndicators.filter(
    (indicator) => indicator === "failed" || rows.some(({ counted }) => tallyOf(counted, indicator).bad > 0),
  );
  const head = ["TRAFFIC", "HOP", "IN", "REQUESTS", ...indicators.map((one) => one.toUpperCase()), "P50", "P95", ""];
  const cells = rows.map(({ way, when, counted, note }, index) => [
    index % 2 === 0 ? bindingWords(way) : "",
    index % 2 === 0 ? way.hop : "",
    when,
    countWords(tallyOf(counted, "failed").requests),
    ...indicators.map((indicator) => shareCell(counted, indicator, colors)),
    latencyWords(counted.latency, 0.5),
    latencyWords(counted.latency, 0.95),
    colors.yellow(note),
  ]);
  return renderTable(head, cells);
}

function sumOf(blocks: readonly Counted[]): Counted {
  const add = (pick: (block: Counted) => readonly number[]): readonly number[] =>
    blocks.map(pick).reduce<number[]>((sum, places) => {
      places.forEach((count, place) => {
        sum[place] = (sum[place] ?? 0) + count;
      });
      return sum;
    }, []);
  return { outcomes: dense(add((block) => block.outcomes)), latency: dense(add((block) => block.latency)) };
}

/** Without holes, which array methods would skip. */
const dense = (places: readonly number[]): readonly number[] => Array.from(places, (count) => count ?? 0);

function tallyOf(counted: Counted, indicator: TrafficIndicator) {
  const byName = Object.fromEntries(outcomes.map((outcome, place) => [outcome, counted.outcomes[place] ?? 0]));
  return countBlock({ ...someWay, outcomes: byName, latency: counted.latency }, indicator, undefined);
}

/** Counting does not look at where and when. */
const someWay = { site: "", binding: "", bindingPort: 0, hop: "proxy", startsAt: instant(0) } as const;

function shareCell(counted: Counted, indicator: TrafficIndicator, colors: Colors): string {
  const { requests, bad } = tallyOf(counted, indicator);
  if (bad === 0) return "-";
  const words = `${countWords(bad)} (${percentWords(bad / requests)})`;
  return indicator === "failed" || indicator === "refused" ? colors.red(words) : words;
}

/** Three blocks that did not come are no accident. */
const lateBlocks = 3;

/** Whether users stay away, or nobody counts them. */
function silenceWords({ newest }: TrafficHealth, { nowMs, blockMs }: Times): string {
  const last = newest.at(-1);
  if (last === undefined) return "nothing counted lately";
  const lateMs = nowMs - last.startsAtMs - blockMs;
  if (lateMs > lateBlocks * blockMs) return `not counted for ${formatDuration(durationMs(lateMs))}`;
  const busy = newest.findLastIndex((block) => block.outcomes.some((count) => count > 0));
  const quiet = newest.length - 1 - busy;
  if (quiet < lateBlocks) return "";
  const forMs = formatDuration(durationMs(quiet * blockMs));
  return busy === -1 ? `silent for ${forMs} or more` : `silent for ${forMs}`;
}

/** The newest rounds that fit beside the rest. */
const roundsShown = 20;

const marks: Readonly<Record<string, string>> = { good: "✓", bad: "✗", unknown: "?" };

function probeTable(probes: readonly ProbeHealth[], times: Times, colors: Colors): string {
  const rows = probes.map((probe) => [
    bindingWords(probe),
    probe.hop,
    probe.probe,
    probe.newest
      .slice(-roundsShown)
      .map((round) => paintMark(round, colors))
      .join("") || "-",
    `${countWords(probe.good)} of ${countWords(probe.good + probe.bad)} good in ${times.historyWords}`,
    newestWords(probe, times),
  ]);
  return renderTable(["PROBES", "HOP", "PROBE", "NEWEST ROUNDS", "ALL", "LAST"], rows);
}

function paintMark({ outcome }: ProbeRound, colors: Colors): string {
  const mark = marks[outcome?.$case ?? "unknown"] ?? "?";
  if (mark === "✓") return colors.green(mark);
  return mark === "✗" ? colors.red(mark) : colors.yellow(mark);
}

/** `4s ago: 200`, `4s ago: answered 400, expected 200`. */
function newestWords({ newest }: ProbeHealth, { nowMs }: Times): string {
  const last = newest.at(-1);
  if (last === undefined) return "no round yet";
  const ago = `${formatDuration(durationMs(Math.max(0, nowMs - last.roundMs)))} ago`;
  const { outcome } = last;
  if (outcome === undefined) return ago;
  return `${ago}: ${outcome.$case === "good" ? outcome.value.status : outcome.value.reason}`;
}

function droppedWords(health: HostHealth, { nowMs }: Times): readonly string[] {
  const { host, droppedBlocks, droppedSinceMs, droppedResults, droppedResultsSinceMs } = health;
  const inTheLast = (since: number | undefined): string =>
    since === undefined ? "" : ` in the last ${formatDuration(durationMs(nowMs - since))}`;
  const lost = (count: number, of: string, since: number | undefined): readonly string[] =>
    count === 0 ? [] : [`! ${host}: ${of} got lost before they were sent${inTheLast(since)}`];
  return [
    ...lost(droppedBlocks, `${plural(droppedBlocks, "block", "blocks")} of traffic`, droppedSinceMs),
    ...lost(droppedResults, `${plural(droppedResults, "result", "results")} of probes`, droppedResultsSinceMs),
  ];
}
