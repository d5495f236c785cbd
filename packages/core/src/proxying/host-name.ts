/** The host of a request in the one form that everything after this compares: lower case, no trailing dot, port apart. */
export interface HostName {
  /** Lower case, without trailing dot; an IPv6 literal keeps its brackets. */
  readonly name: string;
  /** Present when the client wrote one. */
  readonly port?: number;
}

const namePattern = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const literalPattern = /^\[[0-9a-f:.]{2,45}\]$/;

/**
 * Reads the value of a Host header. Undefined for anything that is not a plain host with at most one port: userinfo,
 * path, white space, an empty label, a port out of range. Ports are read here once and nowhere else.
 */
export function parseHostName(text: string): HostName | undefined {
  const lower = text.toLowerCase();
  const colon = lower.startsWith("[") ? lower.indexOf(":", lower.indexOf("]")) : lower.indexOf(":");
  const name = normaliseName(colon === -1 ? lower : lower.slice(0, colon));
  if (name === undefined) return undefined;
  if (colon === -1) return { name };
  const port = parsePort(lower.slice(colon + 1));
  return port === undefined ? undefined : { name, port };
}

/** `name:port`, or the name alone when the client wrote no port. */
export function formatHostName(host: HostName): string {
  return host.port === undefined ? host.name : `${host.name}:${host.port}`;
}

function normaliseName(written: string): string | undefined {
  const name = written.endsWith(".") ? written.slice(0, -1) : written;
  if (name.length > 253) return undefined;
  return namePattern.test(name) || literalPattern.test(name) ? name : undefined;
}

function parsePort(digits: string): number | undefined {
  if (!/^\d{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
