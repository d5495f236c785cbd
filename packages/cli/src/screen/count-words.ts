/** `22,354`, and `4.6e+12` where nobody counts digits any more. */
export function countWords(count: number): string {
  if (count >= 1e9) return count.toPrecision(2);
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `0 of 3,912`; `-` where there was nothing to count. */
export const tallyWords = ({ bad, requests }: { readonly bad: number; readonly requests: number }): string =>
  requests === 0 ? "-" : `${countWords(bad)} of ${countWords(requests)}`;

/** `22,354 : 1`, how much more likely than by chance. */
export const oddsWords = (evidence: number): string => (evidence < 1 ? "< 1 : 1" : `${countWords(evidence)} : 1`);

/** `0.83%`: two digits that say something. */
export const percentWords = (share: number): string => `${Number((share * 100).toPrecision(2))}%`;

export const plural = (count: number, one: string, many: string): string =>
  `${countWords(count)} ${count === 1 ? one : many}`;
