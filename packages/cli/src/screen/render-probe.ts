import type { ProbeResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { ProbeResult } from "@sluice/protocol/generated/sluice/types/v1/host";
import type { Colors } from "../world.ts";
import { bindingWords } from "./binding-words.ts";
import { plural } from "./count-words.ts";
import { msWords } from "./latency-words.ts";
import { renderTable } from "./render-table.ts";

/** From the slot outwards. */
const hops = ["slot", "proxy", "front", "edge"] as const;

/**
 * For each host a matrix of what was asked (binding and probe) and where (hop), with status and time; then a line for
 * everything that is not good, and the sum.
 */
export function renderProbe(answered: readonly ProbeResponse[], colors: Colors): string {
  // Hosts answer in any order.
  const answers = answered.toSorted((a, b) => a.host.localeCompare(b.host));
  const asked = hops.filter((hop) => answers.some(({ results }) => results.some((result) => result.hop === hop)));
  const matrices = answers
    .filter(({ results }) => results.length > 0)
    .map(({ host, results }) => `${colors.bold(host)}\n${matrix(results, asked, colors)}`);
  const remarks = answers.flatMap((answer) => probeRemarks(answer, colors));
  const parts = [...matrices, ...(remarks.length === 0 ? [] : [remarks.join("\n")]), sumWords(answers)];
  return parts.filter((part) => part !== "").join("\n\n");
}

function matrix(results: readonly ProbeResult[], asked: readonly string[], colors: Colors): string {
  const questions = Map.groupBy(results, (result) => JSON.stringify([bindingWords(result), result.probe]));
  const rows = [...questions.values()].map((same) => [
    ...same.slice(0, 1).flatMap((result) => [bindingWords(result), result.probe]),
    ...asked.map((hop) =>
      cell(
        same.filter((result) => result.hop === hop),
        colors,
      ),
    ),
  ]);
  return renderTable(["BINDING", "PROBE", ...asked.map((hop) => hop.toUpperCase())], rows);
}

/** The worst of a cell. */
function cell(results: readonly ProbeResult[], colors: Colors): string {
  const [first] = results;
  if (first === undefined) return "-";
  const bad = results.find((result) => result.outcome?.$case === "bad");
  if (bad?.outcome?.$case === "bad")
    return colors.red(`✗ ${bad.outcome.value.status ?? "failed"} ${msWords(bad.tookMs)}`);
  const unclear = results.find((result) => result.outcome?.$case !== "good");
  if (unclear !== undefined) return colors.yellow("? unknown");
  const status = first.outcome?.$case === "good" ? first.outcome.value.status : "";
  return colors.green(`✓ ${status} ${msWords(first.tookMs)}`);
}

function probeRemarks(answer: ProbeResponse, colors: Colors): readonly string[] {
  const refused = answer.refusal === undefined ? [] : [colors.yellow(`? ${answer.host}: ${answer.refusal}`)];
  return [...answer.results.flatMap((result) => resultRemark(result, colors)), ...refused];
}

function resultRemark(result: ProbeResult, colors: Colors): readonly string[] {
  const where = `${result.host} ${bindingWords(result)} via ${result.hop}, ${result.probe}`;
  switch (result.outcome?.$case) {
    case "good":
      return [];
    case "bad":
      return [colors.red(`✗ ${where}: ${result.outcome.value.reason}`)];
    case "unknown":
      return [colors.yellow(`? ${where}: ${result.outcome.value.reason}`)];
    default:
      return [colors.yellow(`? ${where}: no outcome was reported`)];
  }
}

/** `11 of 12 probes on 2 hosts were answered as expected; 1 was not` */
function sumWords(answers: readonly ProbeResponse[]): string {
  const outcomes = answers.flatMap(({ results }) => results.map(({ outcome }) => outcome?.$case));
  if (outcomes.length === 0) return "";
  const hosts = answers.filter(({ results }) => results.length > 0).length;
  const count = (kind: string): number => outcomes.filter((outcome) => outcome === kind).length;
  const [good, bad] = [count("good"), count("bad")];
  const unclear = outcomes.length - good - bad;
  return [
    `${good} of ${plural(outcomes.length, "probe", "probes")} on ${plural(hosts, "host", "hosts")} ${good === 1 ? "was" : "were"} answered as expected`,
    ...(bad === 0 ? [] : [`${bad} ${bad === 1 ? "was" : "were"} not`]),
    ...(unclear === 0 ? [] : [`${unclear} ${unclear === 1 ? "is" : "are"} unknown`]),
  ].join("; ");
}
