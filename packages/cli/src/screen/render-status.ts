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

/** Desired, installed, running and proven of every unit on every host, each with its reason. */
export function renderStatus(
  status: GetStatusResponse,
  options: { readonly nowMs: number; readonly colors: Colors },
): string {
  const { colors, nowMs } = options;
  const rows = status.hosts.flatMap((host) => hostRows(host, nowMs, colors));
  const parts = [colors.bold(`fleet ${status.fleet}: ${status.environments.join(" → ")}`)];
  if (rows.length > 0) {
    parts.push(
      renderTable(["ENVIRONMENT", "HOST", "UNIT", "DESIRED", "INSTALLED", "RUNNING", "PROVEN", "STATE"], rows),
    );
  }
  const remarks = [
    ...status.remarks.map((remark) => `! coordinator: ${remark}`),
    ...status.hosts.flatMap(({ drain }) => (drain === undefined ? [] : [`! ${drainLine(drain)}`])),
    ...status.hosts.flatMap((host) => (host.observation?.remarks ?? []).map((remark) => `! ${host.host}: ${remark}`)),
  ];
  if (remarks.length > 0) parts.push(colors.yellow(remarks.join("\n")));
  const rollouts = status.activeRollouts.map(
    (rollout) => `${shortId(rollout.id)}  ${rollout.title}: ${firstClauses(rollout.statusLine, clausesMax)}`,
  );
  if (rollouts.length > 0) parts.push(rollouts.join("\n"));
  return parts.join("\n\n");
}

/** Who drained a host, why, and how far that has come. */
const drainLine = ({ host, by, reason, phase, sentence }: HostDrain): string =>
  `${host}: ${phase === "drained" ? "drained" : "being drained"} by ${by} (${reason}): ${sentence}`;

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
    paintCondition(unit, colors)(conditionWords(unit, nowMs)),
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

function paintCondition(unit: UnitStatus, colors: Colors): (text: string) => string {
  switch (unit.condition) {
    case "in-sync":
      return colors.green;
    case "idle":
      return colors.dim;
    case "drifted":
    case "not-running":
    case "silent":
      return colors.red;
    default:
      return colors.yellow;
  }
}
