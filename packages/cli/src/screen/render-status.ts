import { durationMs, formatDuration } from "@sluice/core";
import type {
  GetStatusResponse,
  HostDrain,
  HostStatus,
  UnitStatus,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Colors } from "../world.ts";
import { renderTable } from "./render-table.ts";
import { clausesMax, firstClauses, shortId } from "./rollout-words.ts";
import { paintCondition, renderMatrix } from "./status-matrix.ts";
import { keptLines, reasonLines } from "./status-reasons.ts";

export interface StatusOptions {
  readonly nowMs: number;
  readonly columns: number;
  /** `14:03:59` of an instant, by the operator's clocks. */
  readonly clock: (atMs: number) => string;
  readonly colors: Colors;
  /** A row for every unit with its four facts, instead of the matrix of hosts and sites. */
  readonly isByUnit: boolean;
}

/** What runs where: hosts by sites with the reasons, or every unit with its four facts; then what is special. */
export function renderStatus(status: GetStatusResponse, options: StatusOptions): string {
  const { colors } = options;
  const remarks = [
    ...status.remarks.map((remark) => `! coordinator: ${remark}`),
    ...status.hosts.flatMap(({ drain }) => (drain === undefined ? [] : [`! ${drainLine(drain)}`])),
    ...status.hosts.flatMap((host) => (host.observation?.remarks ?? []).map((remark) => `! ${host.host}: ${remark}`)),
    ...status.hosts.flatMap(hostDriftLines),
  ];
  const rollouts = status.activeRollouts.map(
    (rollout) => `${shortId(rollout.id)}  ${rollout.title}: ${firstClauses(rollout.statusLine, clausesMax)}`,
  );
  const parts = [
    colors.bold(`fleet ${status.fleet}: ${status.environments.join(" → ")}`),
    ...(status.hosts.length === 0
      ? []
      : [options.isByUnit ? unitTable(status, options) : renderMatrix(status, options)]),
    ...(options.isByUnit ? [] : lines(reasonLines(status))),
    ...lines(remarks).map(colors.yellow),
    ...lines(keptLines(status, options)).map(colors.dim),
    ...lines(rollouts),
  ];
  return parts.join("\n\n");
}

const lines = (of: readonly string[]): readonly string[] => (of.length === 0 ? [] : [of.join("\n")]);

/** Who drained a host, why, and how far that has come. */
const drainLine = ({ host, by, reason, phase, sentence }: HostDrain): string =>
  `${host}: ${phase === "drained" ? "drained" : "being drained"} by ${by} (${reason}): ${sentence}`;

/** What was changed by hand and belongs to no unit. */
const hostDriftLines = ({ host, observation }: HostStatus): readonly string[] =>
  (observation?.drifts ?? [])
    .filter(({ about, overSinceMs }) => about === "host" && overSinceMs === undefined)
    .map(({ kind, where, expected, found }) => `! ${host}: ${kind}: ${where} is ${found}, expected ${expected}`);

function unitTable({ hosts }: GetStatusResponse, { nowMs, colors }: StatusOptions): string {
  const rows = hosts.flatMap((host) => hostRows(host, nowMs, colors));
  return renderTable(["ENVIRONMENT", "HOST", "UNIT", "DESIRED", "INSTALLED", "RUNNING", "PROVEN", "STATE"], rows);
}

function hostRows(host: HostStatus, nowMs: number, colors: Colors): readonly (readonly string[])[] {
  if (host.units.length === 0) {
    return [
      [
        host.environment,
        host.host,
        "-",
        "-",
        "-",
        "-",
        "-",
        host.connected ? "no units yet" : colors.red(silenceWords(host, nowMs)),
      ],
    ];
  }
  return host.units.map((unit) => [
    host.environment,
    host.host,
    unit.unit,
    unit.desired ?? "-",
    unit.installed.length === 0 ? "-" : unit.installed.join(", "),
    unit.running ?? "-",
    unit.proven ?? "-",
    paintCondition(unit.condition, colors)(conditionWords(unit, nowMs)),
  ]);
}

function silenceWords(host: HostStatus, nowMs: number): string {
  return host.lastSeenMs === undefined ? "silent: never seen" : `silent: last seen ${ago(host.lastSeenMs, nowMs)} ago`;
}

function conditionWords(unit: UnitStatus, nowMs: number): string {
  const since = unit.pendingSinceMs === undefined ? "" : `, for ${ago(unit.pendingSinceMs, nowMs)}`;
  const sentence = unit.sentence === "" || unit.sentence === unit.condition ? "" : `: ${unit.sentence}`;
  return unit.condition === "in-sync" ? unit.condition : `${unit.condition}${since}${sentence}`;
}

const ago = (thenMs: number, nowMs: number): string => formatDuration(durationMs(Math.max(0, nowMs - thenMs)));
