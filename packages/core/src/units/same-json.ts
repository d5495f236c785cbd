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

type Members = Readonly<Record<string, unknown>>;

const sameMembers = (a: object, b: object): boolean =>
  hasMembers(b as Members, a as Members) && hasAll(a, b as Members);

const hasMembers = (value: Members, wanted: Members): boolean =>
  Object.keys(wanted).every((key) => wanted[key] === undefined || sameJson(wanted[key], own(value, key)));

const hasAll = (value: object, wanted: Members): boolean =>
  Object.keys(wanted).every((key) => wanted[key] === undefined || own(value as Members, key) !== undefined);

const own = (value: Members, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined);
