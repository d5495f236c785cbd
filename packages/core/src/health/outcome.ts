/**
 * How a request ended, as a proxy counts it. Each request has exactly one.
 *
 * - `ok` 2xx and 304, `redirected` other 3xx
 * - `denied` 401 and 403, `not-found` 404, `limited` 429, `refused` 400 and every other 4xx
 * - `failed` 5xx that a slot answered
 * - `unreachable` no usable answer: the connection failed, broke off or fell silent, and the proxy answered for it
 * - `upgraded` 101
 * - `aborted` the client went away before it was answered
 */
export type Outcome =
  | "ok"
  | "redirected"
  | "denied"
  | "not-found"
  | "limited"
  | "refused"
  | "failed"
  | "unreachable"
  | "upgraded"
  | "aborted";

export const outcomes: readonly Outcome[] = [
  "ok",
  "redirected",
  "denied",
  "not-found",
  "limited",
  "refused",
  "failed",
  "unreachable",
  "upgraded",
  "aborted",
];

/** Of a request whose client was answered `status`; 0: it was not answered. `unreachable` is for the proxy to know. */
export function outcomeOf(status: number): Exclude<Outcome, "unreachable"> {
  if (status >= 500) return "failed";
  if (status >= 400) return clientErrorOf(status);
  if (status >= 300) return status === 304 ? "ok" : "redirected";
  if (status >= 200) return "ok";
  return status === 0 ? "aborted" : "upgraded";
}

function clientErrorOf(status: number): "denied" | "not-found" | "limited" | "refused" {
  if (status === 404) return "not-found";
  if (status === 401 || status === 403) return "denied";
  return status === 429 ? "limited" : "refused";
}
