import { distance } from "fastest-levenshtein";

/** Longer words are not misspelled names; the bound keeps the comparison cheap. */
const wordLengthMax = 64;

/** The legal name nearest to `wrong`, when one is near enough to be meant. */
export function nearestOf(wrong: string, legal: readonly string[]): string | undefined {
  const ranked = legal
    .map((word) => ({ word, away: distance(wrong.slice(0, wordLengthMax).toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const best = ranked[0];
  return best !== undefined && best.away <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : undefined;
}
