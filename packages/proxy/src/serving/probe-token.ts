import { timingSafeEqual } from "node:crypto";
import type { ProxyRequest } from "../forwarding/messages.ts";

/** Whether a request carries this probe token. An empty token marks nothing. */
export function isProbe(req: ProxyRequest, token: string): boolean {
  const given = req.headers["x-sluice-probe"];
  if (typeof given !== "string" || token === "" || given.length !== token.length) return false;
  return timingSafeEqual(Buffer.from(given, "latin1"), Buffer.from(token, "latin1"));
}
