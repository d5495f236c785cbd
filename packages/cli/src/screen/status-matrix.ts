import { durationMs, formatDuration } from "@sluice/core";
import type { GetStatusResponse, HostStatus, UnitStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Colors } from "../world.ts";
import { renderTable } from "./render-table.ts";

export interface MatrixOptions {
  readonly nowMs: number;
  /** Characters in a line; sites that don't fit beside each other come in further tables below. */
  readonly columns: number;
  readonly colors: Colors;
}

/** How one site (or the front) stands on one host: the worst of its units, in few words. */
interface Cell {
  readonly text: string;
  readonly condition: string;
}

interface Row {
  readonly environment: string;
  readonly hosts: readonly string[];
  /** What is special about the host itself; empty for most. */
  readonly mark: string;
  readonly cells: readonly Cell[];
}

/** From bad to good: a site is as good as the worst of its units. */
const conditions = [
  "silent",
  "not-running",
  "drifted",
  "not-installed",
  "pending-activation",
  "unproven",
  "expiring",
  "in-sync",
  "idle",
] as const;

/** They belong to no site, and come last. */
const front = "front";
const agent = "agent";
const keeper = "keeper";

/** Hosts by sites: what runs of each site on each host, and how that stands. Hosts that stand alike are one row. */
export function renderMatrix({ hosts }: GetStatusResponse, options: MatrixOptions): string {
  const sites = [...new Set(hosts.flatMap(({ units }) => units.map(siteOf)))].sort(frontLast);
  const rows = fold(hosts.map((host) => rowOf(host, sites, options.nowMs)));
  return blocksOf(sites, rows, options.columns)
    .map((block) => tableOf(block, sites, rows, options))
    .join("\n\n");
}

const siteOf = ({ unit }: UnitStatus): string => unit.slice(unit.indexOf(":") + 1);
const rankOfSite = (site: string): number => [front, agent, keeper].indexOf(site) + 1;
const frontLast = (a: string, b: string): number => rankOfSite(a) - rankOfSite(b) || (a < b ? -1 : 1);

function rowOf(host: HostStatus, sites: readonly string[], nowMs: number): Row {
  return {
    environment: host.environment,
    hosts: [host.host],
    mark: markOf(host, nowMs),
    cells: sites.map((site) => cellOf(host.units.filter((unit) => siteOf(unit) === site))),
  };
}

function markOf({ connected, lastSeenMs, drain }: HostStatus, nowMs: number): string {
  const marks: string[] = [];
  if (!connected) {
    const since = lastSeenMs === undefined ? "" : ` for ${formatDuration(durationMs(Math.max(0, nowMs - lastSeenMs)))}`;
    marks.push(lastSeenMs === undefined ? "never seen" : `cut off${since}`);
  }
  if (drain !== undefined) marks.push(drain.phase === "drained" ? "drained" : "draining");
  return marks.join(", ");
}

function cellOf(units: readonly UnitStatus[]): Cell {
  const main = units.find(({ unit }) => !unit.startsWith("proxy:")) ?? units[0];
  if (main === undefined) return { text: "", condition: "absent" };
  const others = units.filter((unit) => unit !== main && rankOf(unit) < rankOf(main));
  const [worst = main] = others.toSorted((a, b) => rankOf(a) - rankOf(b));
  const proxy = worst === main ? "" : `, proxy ${shortly[worst.condition] ?? worst.condition}`;
  return { text: `${unitWords(main)}${proxy}`, condition: worst.condition };
}

function rankOf({ condition }: UnitStatus): number {
  const rank = (conditions as readonly string[]).indexOf(condition);
  return rank === -1 ? 0 : rank;
}

const shortly: Readonly<Record<string, string>> = {
  "pending-activation": "pending",
  "not-running": "down",
  unproven: "on trial",
  silent: "unknown",
};

/** `2.4.0`, `2.3.0 → 2.4.0 pending`, `2.4.0 on trial`; of what is as it should be only the version. */
function unitWords({ condition, running = "nothing", desired }: UnitStatus): string {
  if (condition === "in-sync") return running;
  if (condition === "idle") return "-";
  const towards = desired === undefined || desired === running ? "" : ` → ${desired}`;
  return `${running}${towards} ${shortly[condition] ?? condition}`;
}

/** Neighbours in one environment that stand alike are one row. */
function fold(rows: readonly Row[]): readonly Row[] {
  const folded: Row[] = [];
  for (const row of rows) {
    const last = folded.at(-1);
    if (last !== undefined && isAlike(last, row))
      folded[folded.length - 1] = { ...last, hosts: [...last.hosts, ...row.hosts] };
    else folded.push(row);
  }
  return folded;
}

const isAlike = (a: Row, b: Row): boolean =>
  a.environment === b.environment &&
  a.mark === b.mark &&
  a.cells.every(({ text }, index) => text === b.cells[index]?.text);

/** More than these have their first and last name only. */
const namedMax = 3;

function hostWords({ hosts, mark }: Row): string {
  const names = hosts.length <= namedMax ? hosts.join(", ") : `${hosts[0]} … ${hosts.at(-1)} (${hosts.length} hosts)`;
  return mark === "" ? names : `${names} (${mark})`;
}

const gap = 2;

/** Indices of the sites of each table: as many beside each other as the line takes, at least one. */
function blocksOf(sites: readonly string[], rows: readonly Row[], columns: number): readonly (readonly number[])[] {
  const widthOf = (texts: readonly string[]): number => Math.max(...texts.map((text) => [...text].length)) + gap;
  const fixed =
    widthOf(["ENVIRONMENT", ...rows.map(({ environment }) => environment)]) + widthOf(["HOST", ...rows.map(hostWords)]);
  const blocks: number[][] = [[]];
  let left = columns - fixed;
  for (const [index, site] of sites.entries()) {
    const width = widthOf([site, ...rows.map(({ cells }) => cells[index]?.text ?? "")]);
    const block = blocks.at(-1);
    if (block === undefined || (block.length > 0 && width > left)) {
      blocks.push([index]);
      left = columns - fixed - width;
    } else {
      block.push(index);
      left -= width;
    }
  }
  return blocks;
}

function tableOf(
  block: readonly number[],
  sites: readonly string[],
  rows: readonly Row[],
  { colors }: MatrixOptions,
): string {
  const head = ["ENVIRONMENT", "HOST", ...block.map((index) => sites[index]?.toUpperCase() ?? "")];
  return renderTable(
    head,
    rows.map((row) => [
      row.environment,
      row.mark === "" ? hostWords(row) : colors.yellow(hostWords(row)),
      ...block.map((index) => paintCell(row.cells[index], colors)),
    ]),
  );
}

function paintCell(cell: Cell | undefined, colors: Colors): string {
  return cell === undefined ? "" : paintCondition(cell.condition, colors)(cell.text);
}

export function paintCondition(condition: string, colors: Colors): (text: string) => string {
  switch (condition) {
    case "in-sync":
      return colors.green;
    case "idle":
    case "absent":
      return colors.dim;
    case "drifted":
    case "not-running":
    case "silent":
      return colors.red;
    default:
      return colors.yellow;
  }
}
