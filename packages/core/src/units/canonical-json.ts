/**
 * One text per value: keys sorted, no white space, `undefined` members left out.
 * Digests of documents (intents, releases, proxy settings) are taken over exactly this text.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** sha256 over {@link canonicalJson}, as `sha256:<64 hex digits>`; the hash comes in as a port because core does no I/O. */
export type Digest = (text: string) => string;
