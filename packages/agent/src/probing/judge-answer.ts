import type { Probe, ProbeOutcome } from "@sluice/core";
import type { Answer } from "./answer.ts";

/** How much of a bad answer's body a reason quotes: a line in a terminal. */
const quotedCharactersMax = 80;

/** Holds an answer against what its probe expects. */
export function judgeAnswer(answer: Answer, probe: Probe): ProbeOutcome {
  switch (answer.kind) {
    case "not-asked":
      return { kind: "unknown", reason: answer.reason };
    case "failed":
      return { kind: "bad", reason: answer.reason };
    case "answered":
      return judgeAnswered(answer, probe);
  }
}

function judgeAnswered(answer: Answer & { readonly kind: "answered" }, probe: Probe): ProbeOutcome {
  const { status } = answer;
  if (!probe.expect.includes(status)) {
    return {
      kind: "bad",
      status,
      reason: `answered ${status} ${quoteBody(answer)}, expected ${probe.expect.join(" or ")}`,
    };
  }
  if (probe.contains !== undefined && !answer.body.includes(probe.contains)) {
    const where = answer.bodyCut ? "the first 64 KB of the body lack" : "the body lacks";
    return {
      kind: "bad",
      status,
      reason: `answered ${status} as expected, but ${where} "${probe.contains}": ${quoteBody(answer)}`,
    };
  }
  return { kind: "good", status };
}

function quoteBody(answer: Answer & { readonly kind: "answered" }): string {
  const words = firstWords(answer.contentType.includes("html") ? withoutMarkup(answer.body) : answer.body);
  return words === "" ? "with an empty body" : `"${words}"`;
}

/** The text of an error page: without it the quote would be its doctype. */
function withoutMarkup(html: string): string {
  return html.replace(/<(script|style|title)\b[^>]*>[\s\S]*?<\/\1\s*>/gi, " ").replace(/<[^>]*>/g, " ");
}

/** Printable characters on one line, cut at {@link quotedCharactersMax}. */
function firstWords(text: string): string {
  const line = text
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  const characters = [...line];
  return characters.length <= quotedCharactersMax ? line : `${characters.slice(0, quotedCharactersMax).join("")}…`;
}
