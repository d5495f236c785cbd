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
  // Without lists of members: whole hosts are compared with every look, and nearly always they are the same.
  const ours = a as Readonly<Record<string, unknown>>;
  const theirs = b as Readonly<Record<string, unknown>>;
  let surplus = 0;
  for (const key in ours) {
    if (ours[key] === undefined) continue;
    if (!sameJson(ours[key], theirs[key])) return false;
    surplus++;
  }
  for (const key in theirs) if (theirs[key] !== undefined) surplus--;
  return surplus === 0;
}
