import type { ProbeOutcome } from "@sluice/core";
import { durationMs, formatDuration } from "@sluice/core/units/time";
import type { Answer } from "./answer.ts";
import { judgeAnswer } from "./judge-answer.ts";
import type { Question } from "./question.ts";

/** An edge with up to this many hosts behind it, taking turns, leads here at least once. */
const asksMax = 9;

/** Asking again takes time that a slow edge multiplies; at least two asks, then none begins after this many timeouts. */
const timeoutsMax = 2;

export interface EdgeAnswer {
  readonly outcome: ProbeOutcome;
  readonly release?: string;
}

/**
 * Asks through an edge, which may lead to any host, until the answer says something about this one:
 * - answered by this host: that answer counts, good or bad;
 * - answered by another host: asked again on a fresh connection, in the end `unknown`;
 * - answered by nobody who says who it is (the edge itself refuses, times out or answers 5xx): `bad` when
 *   every ask went like that and was bad, for then no user gets in either; `unknown` when some were not.
 */
export async function askEdge(
  question: Question,
  host: string,
  askOnce: () => Promise<Answer>,
  elapsedMs: () => number,
): Promise<EdgeAnswer> {
  const elsewhere = new Set<string>();
  let unsigned: ProbeOutcome | undefined;
  let goodUnsigned = false;
  let asks = 0;
  const budgetMs = question.probe.timeoutMs * timeoutsMax;
  while (asks < asksMax && (asks < 2 || elapsedMs() < budgetMs)) {
    asks += 1;
    const answer = await askOnce();
    if (answer.kind === "not-asked") return { outcome: judgeAnswer(answer, question.probe) };
    const servedBy = answer.kind === "answered" ? answer.servedBy : undefined;
    if (servedBy?.host === host) return { outcome: judgeAnswer(answer, question.probe), release: servedBy.release };
    if (servedBy !== undefined) elsewhere.add(servedBy.host);
    else {
      const outcome = judgeAnswer(answer, question.probe);
      if (outcome.kind === "good") goodUnsigned = true;
      else unsigned = outcome;
    }
  }
  return { outcome: undecided({ elsewhere, unsigned, goodUnsigned, asks, host, elapsedMs: elapsedMs() }) };
}

interface Asked {
  readonly elsewhere: ReadonlySet<string>;
  readonly unsigned: ProbeOutcome | undefined;
  readonly goodUnsigned: boolean;
  readonly asks: number;
  readonly host: string;
  readonly elapsedMs: number;
}

function undecided(asked: Asked): ProbeOutcome {
  const { unsigned, asks } = asked;
  const all = `${asks} asks in ${formatDuration(durationMs(asked.elapsedMs))}`;
  if (unsigned?.kind === "bad" && asked.elsewhere.size === 0 && !asked.goodUnsigned) {
    return {
      ...unsigned,
      reason: `${unsigned.reason}; so on all ${asks} asks, by a server that does not say who it is`,
    };
  }
  if (asked.elsewhere.size > 0) {
    const others = [...asked.elsewhere].sort().join(", ");
    const rest = unsigned?.kind === "bad" ? `; one of the answers without a name: ${unsigned.reason}` : "";
    return { kind: "unknown", reason: `the edge led to ${others}, never to ${asked.host}, on ${all}${rest}` };
  }
  return { kind: "unknown", reason: `the edge did not say which host answered on ${all}` };
}
