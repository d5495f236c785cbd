import { between, formatDuration, type Instant } from "../units/time.ts";
import { isLatency, type TestedStratum, type Way } from "./tested-stratum.ts";
import type { References, Tally, VerdictRow } from "./verdict-row.ts";

/** `app.com via edge`; a port is named where it is not the usual one. */
export function describeWay({ binding, bindingPort, hop }: Way): string {
  const port = bindingPort === 80 || bindingPort === 443 ? "" : `:${bindingPort}`;
  return `${binding}${port} via ${hop}`;
}

/**
 * Why a stratum halts: `app.com via edge on web-1: 40 of 40 requests were refused (400 or another 4xx) since the change; 0 of
 * 3,912 before; on 3 other hosts 0 of 12,004 in the same time. Evidence 22,354 : 1 against chance (needs 10,000 : 1). Not
 * affected: app.local via proxy (0 of 512)`. Counts both ways, the bar, and what is well, so that a reader can check it.
 */
export function describeRegression(row: VerdictRow, rows: readonly VerdictRow[]): string {
  if (row.references === "nothing") return describeNeverWorked(row, rows);
  const facts = [counted(row), ...compared(row)].join("; ");
  return [`${nameOf(row)}: ${facts}`, weightOf(row), ...labelOf(row.references), notAffected(row, rows)].join(". ");
}

/** Evidence of all strata is added up, so that several may halt of which none would alone. */
function weightOf({ evidence, bar }: VerdictRow): string {
  const against = `Evidence ${grouped(evidence)} : 1 against chance`;
  return evidence < bar
    ? `${against}, enough with that of the others (alone it needs ${grouped(bar)} : 1)`
    : `${against} (needs ${grouped(bar)} : 1)`;
}

/** What a required stratum lacks for a pass, or why it is not let pass. */
export function describeMissing(row: VerdictRow, now: Instant): string {
  const name = nameOf(row);
  switch (row.state) {
    case "suspect":
      return `${name} is suspect: ${[counted(row), ...compared(row)].join("; ")}; evidence ${grouped(row.evidence)} : 1 of ${grouped(row.bar)} : 1 that halt`;
    case "shared":
      return `${name}: ${[counted(row), ...compared(row)].join("; ")}: the environment is unhealthy, and the change is not the cause`;
    case "silent":
      return `${name}: ${grouped(row.now.requests)} ${unitsName(row)} since the change, far less than its share before: users go elsewhere (DNS, load balancer?), which is neither good nor bad, and no pass without them: find out where they are, or promote it with a reason`;
    case "no-data":
      return row.newestAt === undefined
        ? `${name} has no ${unitsName(row)} since the change${needs(row)}`
        : `${name} was last heard of ${formatDuration(between(row.newestAt, now))} ago`;
    default: {
      const facts = row.now.bad === 0 ? [counted(row)] : [counted(row), ...compared(row)];
      return `${name}: ${facts.join("; ")}; excludes ${increase(row.ruledOut)}${needs(row)}`;
    }
  }
}

/** What a stratum has ruled out. */
export const describePass = (row: VerdictRow): string =>
  `${nameOf(row)}: ${counted(row)}; excludes ${increase(row.ruledOut)}`;

const nameOf = (row: VerdictRow): string => `${describeWay(row.stratum)} on ${row.host}`;

/** What is bad about the requests of a stratum. */
const badWords: Readonly<Record<TestedStratum["indicator"], string>> = {
  failed: "failed (5xx or no answer)",
  refused: "were refused (400 or another 4xx)",
  "not-found": "were answered 404",
  denied: "were denied (401 or 403)",
  limited: "were limited (429)",
  redirected: "were redirected",
  slow: "were slower than 95 % of those before",
  "above-median": "were slower than half of those before",
  unexpected: "were not answered as expected",
};

const unitsName = ({ stratum }: VerdictRow): string =>
  stratum.source === "probe" ? `probes ${stratum.probe}` : "requests";

function counted(row: VerdictRow): string {
  const said = row.lastFailure === undefined ? "" : `, the last one ${row.lastFailure}`;
  return `${ofAll(row.now)} ${unitsName(row)} ${badWords[row.stratum.indicator]} since the change${said}`;
}

function compared({ before, others }: VerdictRow): readonly string[] {
  const earlier = before.requests === 0 ? "none are known from before" : `${ofAll(before)} before`;
  if (others.requests === 0) return [earlier];
  return [
    earlier,
    `on ${others.hosts} other ${others.hosts === 1 ? "host" : "hosts"} ${ofAll(others)} in the same time`,
  ];
}

const labels: Readonly<Record<References, readonly string[]>> = {
  both: [],
  history: ["Before/after only: a cause outside this host is not excluded"],
  others: ["New: compared with the other hosts only"],
  nothing: [],
};

const labelOf = (references: References): readonly string[] => labels[references];

function describeNeverWorked(row: VerdictRow, rows: readonly VerdictRow[]): string {
  const never = row.now.bad === row.now.requests ? "never worked" : "fails";
  return `${nameOf(row)} ${never}: ${counted(row)}; there is nothing to compare it with. ${notAffected(row, rows)}`;
}

/** Ways of the same host on which requests came and none was bad, nor slow enough to halt or hold. */
function notAffected(row: VerdictRow, rows: readonly VerdictRow[]): string {
  const ways = new Map<string, Tally>();
  const affected = new Set([describeWay(row.stratum)]);
  for (const { host, stratum, now, state } of rows) {
    if (host !== row.host) continue;
    const way = describeWay(stratum);
    const speaksAgainst = state === "regressed" || state === "suspect";
    if (now.bad > 0 && (!isLatency(stratum.indicator) || speaksAgainst)) affected.add(way);
    if (now.requests > (ways.get(way)?.requests ?? 0)) ways.set(way, now);
  }
  const fine = [...ways]
    .filter(([way]) => !affected.has(way))
    .map(([way, now]) => `${way} (0 of ${grouped(now.requests)})`);
  if (fine.length === 0) return "Nothing else on this host is known to be well";
  const shown = fine.slice(0, waysShown).join(", ");
  return `Not affected: ${shown}${fine.length > waysShown ? ` and ${fine.length - waysShown} more` : ""}`;
}

/** More would hide what matters. */
const waysShown = 5;

function needs({ missing, stratum }: VerdictRow): string {
  if (missing === undefined) return "";
  const unit = stratum.source === "probe" ? "good answers" : "good requests";
  if (missing.requests === undefined) return "; it was so bad before that nothing can be excluded";
  if (missing.requests === 0) return "; needs a little more time";
  const takes = missing.takesMs === undefined ? "" : ` (about ${formatDuration(missing.takesMs)} at the present rate)`;
  return `; needs ${grouped(missing.requests)} more ${unit}${takes}`;
}

const ofAll = ({ bad, requests }: Tally): string => `${grouped(bad)} of ${grouped(requests)}`;

/** `22,354`, and `4.6e+12` where nobody counts digits any more. */
function grouped(count: number): string {
  if (count >= 1e9) return count.toPrecision(2);
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `an increase of 0.83 % or more` */
const increase = (share: number): string =>
  share >= 1 ? "nothing yet" : `an increase of ${Number((share * 100).toPrecision(2))} % or more`;
