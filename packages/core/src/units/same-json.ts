/**
 * True when both values have the same canonical JSON, without writing it: parts that are one object are not looked into,
 * so that comparing a document with its successor costs what has changed. Values are plain data; `undefined` members count as absent.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  return Array.isArray(a) && Array.isArray(b) ? sameItems(a, b) : sameMembers(a, b);
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => sameJson(item, b[index]));

function sameMembers(a: object, b: object): boolean {
  const others = b as Readonly<Record<string, unknown>>;
  let surplus = 0;
  for (const [key, value] of Object.entries(a)) {
    if (value === undefined) continue;
    if (!sameJson(value, others[key])) return false;
    surplus++;
  }
  for (const value of Object.values(b)) if (value !== undefined) surplus--;
  return surplus === 0;
}
