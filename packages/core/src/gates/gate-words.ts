import type { Gates } from "../fleet/fleet.ts";
import { formatDuration } from "../units/time.ts";
import { approvalWords } from "./approvals.ts";
import { windowWords } from "./time-window.ts";

/** What an environment asks for before its waves, one clause for each gate; soak and evidence are always asked for. */
export function gateWords(gates: Gates): readonly string[] {
  const { windows = [], approval, attendedWithinMs } = gates;
  return [
    `soak ${formatDuration(gates.soakMs)}`,
    ...(windows.length === 0 ? [] : [`window ${windows.map(windowWords).join(" or ")}`]),
    ...(approval.length === 0 ? [] : [`approval of ${approval.map(approvalWords).join(" and ")}`]),
    ...(attendedWithinMs === undefined ? [] : [`attended within ${formatDuration(attendedWithinMs)}`]),
    ...(gates.representativeness === true ? ["representativeness"] : []),
    ...(gates.coverage === true ? ["coverage"] : []),
    ...(gates.monitoring === true ? ["monitoring"] : []),
  ];
}
