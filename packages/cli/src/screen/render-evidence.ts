import {
  describeMissing,
  describeRegression,
  describeWay,
  durationMs,
  formatDuration,
  instant,
  type References,
  type RowState,
  unreachable,
  type VerdictRow,
} from "@sluice/core";
import type { Colors } from "../world.ts";
import { bindingWords } from "./binding-words.ts";
import { countWords, oddsWords, plural, tallyWords } from "./count-words.ts";
import { renderTable } from "./render-table.ts";
import { wrap } from "./rollout-view.ts";

export interface EvidenceOptions {
  readonly nowMs: number;
  readonly columns: number;
  readonly colors: Colors;
  /** Show a row for what is fine as well, instead of summing it up. */
  readonly allStrata: boolean;
}

/**
 * The table behind a verdict, worst first; what is fine is summed up in one sentence. Below it stands in whole sentences what
 * speaks against the change. Empty when nothing is judged.
 */
export function renderEvidence(rows: readonly VerdictRow[], options: EvidenceOptions): string {
  if (rows.length === 0) return "";
  const sorted = worstFirst(rows);
  const shown = options.allStrata ? sorted : sorted.filter(({ state }) => state !== "fine");
  const { colors, columns } = options;
  const parts = [
    colors.bold(headline(rows)),
    ...(shown.length === 0
      ? []
      : [
          renderTable(
            head,
            shown.map((row) => cells(row, colors)),
          ),
        ]),
    ...(options.allStrata ? [] : fineWords(rows)).flatMap((line) => wrap(line, columns)),
    ...sorted.flatMap((row) => against(row, rows, options)),
  ];
  return parts.join("\n");
}

const ranks: Readonly<Record<RowState, number>> = {
  regressed: 0,
  suspect: 1,
  shared: 2,
  silent: 3,
  "no-data": 4,
  "needs-more": 5,
  fine: 6,
};

/** Of equal states the one with most evidence against it first; else the order of the rows. */
const worstFirst = (rows: readonly VerdictRow[]): readonly VerdictRow[] =>
  rows.toSorted((a, b) => ranks[a.state] - ranks[b.state] || b.evidence - a.evidence);

/** `evidence since the change: web-1 for 3m 20s` */
function headline(rows: readonly VerdictRow[]): string {
  const observed = new Map<string, number>();
  for (const { host, observedMs } of rows) observed.set(host, Math.max(observedMs, observed.get(host) ?? 0));
  const hosts = [...observed].map(([host, ms]) => `${host} for ${formatDuration(durationMs(ms))}`);
  return `evidence since the change: ${hosts.join(", ")}`;
}

const head = ["HOST", "BINDING", "HOP", "OF", "BAD", "SINCE", "BEFORE", "OTHERS", "EVIDENCE", "HALTS AT", "STATE"];

function cells(row: VerdictRow, colors: Colors): readonly string[] {
  const { host, stratum, now, before, others, evidence, bar } = row;
  const elsewhere = others.requests === 0 ? "-" : `${tallyWords(others)} on ${plural(others.hosts, "host", "hosts")}`;
  return [
    host,
    bindingWords(stratum),
    stratum.hop,
    stratum.source === "probe" ? stratum.probe : "traffic",
    stratum.indicator,
    tallyWords(now),
    tallyWords(before),
    elsewhere,
    oddsWords(evidence),
    oddsWords(bar),
    paintState(row.state, colors)([stateWords(row), ...labels[row.references]].join(", ")),
  ];
}

const labels: Readonly<Record<References, readonly string[]>> = {
  both: [],
  history: ["before/after only"],
  others: ["new: other hosts only"],
  nothing: ["nothing to compare with"],
};

function stateWords({ state, missing, stratum }: VerdictRow): string {
  switch (state) {
    case "fine":
    case "suspect":
    case "regressed":
    case "silent":
      return state;
    case "shared":
      return "shared with other hosts";
    case "no-data":
    case "needs-more": {
      const needs = missingWords(missing, stratum.source === "probe" ? "good answers" : "good requests");
      return state === "no-data" ? ["no data", ...needs].join(", ") : (needs[0] ?? "needs more");
    }
    default:
      return unreachable(state);
  }
}

function missingWords(missing: VerdictRow["missing"], unit: string): readonly string[] {
  if (missing === undefined) return [];
  if (missing.requests === undefined) return ["was too bad before to exclude anything"];
  if (missing.requests === 0) return ["needs a little more time"];
  const takes = missing.takesMs === undefined ? "" : ` (about ${formatDuration(missing.takesMs)})`;
  return [`needs ${countWords(missing.requests)} more ${unit}${takes}`];
}

function paintState(state: RowState, colors: Colors): (text: string) => string {
  if (state === "fine") return colors.green;
  return state === "regressed" || state === "suspect" ? colors.red : colors.yellow;
}

/** Ways beyond these are only counted. */
const waysShown = 5;

/** `42 more strata are fine: app.com via proxy (7), …` */
function fineWords(rows: readonly VerdictRow[]): readonly string[] {
  const fine = rows.filter(({ state }) => state === "fine");
  if (fine.length === 0) return [];
  const ways = Object.entries(Object.groupBy(fine, ({ stratum }) => describeWay(stratum)));
  const named = ways.slice(0, waysShown).map(([way, list = []]) => `${way} (${list.length})`);
  const rest = ways.length > waysShown ? [`${ways.length - waysShown} more ways`] : [];
  const more = fine.length === rows.length ? "" : "more ";
  const count = fine.length === 1 ? `1 ${more}stratum is fine` : `${countWords(fine.length)} ${more}strata are fine`;
  return [`${count}: ${[...named, ...rest].join(", ")}; --all-strata shows them`];
}

/** What the table cannot say in a cell. What merely takes time is said there. */
function against(row: VerdictRow, rows: readonly VerdictRow[], options: EvidenceOptions): readonly string[] {
  const { nowMs, columns, colors } = options;
  switch (row.state) {
    case "regressed":
      return wrap(`✗ ${describeRegression(row, rows)}`, columns).map(colors.red);
    case "suspect":
    case "shared":
    case "silent":
      return wrap(`! ${describeMissing(row, instant(nowMs))}`, columns).map(colors.yellow);
    case "no-data":
    case "needs-more":
    case "fine":
      return [];
    default:
      return unreachable(row.state);
  }
}
