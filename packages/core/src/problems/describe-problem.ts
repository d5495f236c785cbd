import { Problem } from "./problem.ts";

/** Deeper chains say nothing new; also the guard against a chain that bites its own tail. */
const depthMax = 16;

/**
 * The one rendering of a failure: a line per cause, outermost first, the hints last, nothing said twice.
 * ```
 * cannot start site 'shop' on host 'web-1'
 *   because: connect ECONNREFUSED 127.0.0.1:18081
 *   hint: sluice logs shop --host web-1
 * ```
 */
export function describeProblem(error: unknown): string {
  const chain = chainOf(error);
  const [first = "unknown failure", ...causes] = unsaid(chain.map(textOf));
  const hints = unsaid(
    chain.flatMap((link) => (link instanceof Problem && link.hint !== undefined ? [link.hint] : [])),
  );
  return [first, ...causes.map((text) => `  because: ${text}`), ...hints.map((hint) => `  hint: ${hint}`)].join("\n");
}

/** The failure and its causes, outermost first. */
function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (
    let link = error;
    link !== undefined && chain.length < depthMax;
    link = link instanceof Error ? link.cause : undefined
  ) {
    if (chain.includes(link)) break;
    chain.push(link);
  }
  return chain;
}

/** Drops texts that an earlier one has said already, in the same words or within a longer sentence. */
function unsaid(texts: readonly string[]): readonly string[] {
  const said: string[] = [];
  for (const text of texts) if (text !== "" && !said.some((earlier) => earlier.includes(text))) said.push(text);
  return said;
}

function textOf(link: unknown): string {
  if (link instanceof AggregateError && link.message === "") return link.errors.map(textOf).join("; ");
  const text = link instanceof Error ? link.message || link.name : String(link);
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}
