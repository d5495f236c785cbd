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
  const [as, bs] = [present(a), present(b)];
  if (as.length !== bs.length) return false;
  const others = new Map(bs);
  return as.every(([key, value]) => others.has(key) && sameJson(value, others.get(key)));
}

const present = (value: object): readonly (readonly [string, unknown])[] =>
  Object.entries(value).filter(([, member]) => member !== undefined);
