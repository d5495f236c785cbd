import type { ProbeResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { ProbeResult } from "@sluice/protocol/generated/sluice/types/v1/host";
import type { Colors } from "../world.ts";
import { renderTable } from "./render-table.ts";

/** From the slot outwards. */
const hops = ["slot", "proxy", "front", "edge"] as const;

/** binding × hop of each host, one mark for all probes of a cell; then a line for everything that is not good. */
export function renderProbe(answers: readonly ProbeResponse[], colors: Colors): string {
  const rows = answers.flatMap((answer) => probeRows(answer, colors));
  const parts =
    rows.length === 0 ? [] : [renderTable(["HOST", "BINDING", ...hops.map((hop) => hop.toUpperCase())], rows)];
  const remarks = answers.flatMap(probeRemarks);
  if (remarks.length > 0) parts.push(remarks.join("\n"));
  return parts.join("\n\n");
}

function probeRows(answer: ProbeResponse, colors: Colors): readonly (readonly string[])[] {
  const bindings = [...new Set(answer.results.map((result) => result.binding))];
  return bindings.map((binding) => [
    answer.host,
    binding,
    ...hops.map((hop) =>
      cell(
        answer.results.filter((result) => result.binding === binding && result.hop === hop),
        colors,
      ),
    ),
  ]);
}

function cell(results: readonly ProbeResult[], colors: Colors): string {
  if (results.length === 0) return "-";
  const bad = results.find((result) => result.outcome?.$case === "bad");
  if (bad?.outcome?.$case === "bad") return colors.red(`✗ ${bad.outcome.value.status ?? "failed"}`);
  if (results.some((result) => result.outcome?.$case !== "good")) return colors.yellow("? unknown");
  return colors.green("✓ good");
}

function probeRemarks(answer: ProbeResponse): readonly string[] {
  const refused = answer.refusal === undefined ? [] : [`? ${answer.host}: ${answer.refusal}`];
  return [...refused, ...answer.results.flatMap(resultRemark)];
}

function resultRemark(result: ProbeResult): readonly string[] {
  const where = `${result.host} ${result.binding} via ${result.hop}, ${result.probe}`;
  switch (result.outcome?.$case) {
    case "good":
      return [];
    case "bad":
      return [`✗ ${where}: ${result.outcome.value.reason}`];
    case "unknown":
      return [`? ${where}: ${result.outcome.value.reason}`];
    default:
      return [`? ${where}: no outcome was reported`];
  }
}
