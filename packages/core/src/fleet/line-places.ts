/** Turns an offset in `text` into a line and a column, both from 1. Offsets beyond the text count as its end. */
export function createLinePlaces(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    const bounded = Math.min(Math.max(0, offset), text.length);
    const line = lineOf(starts, bounded);
    return { line, column: bounded - (starts[line - 1] ?? 0) + 1 };
  };
}

/** How many lines start at or before the offset. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
