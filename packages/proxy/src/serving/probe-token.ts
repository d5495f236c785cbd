import { timingSafeEqual } from "node:crypto";
import type { ReceivedHead } from "../forwarding/received-head.ts";

/** Whether a request carries this probe token. An empty token marks nothing. */
export function isProbe({ probeToken: given }: ReceivedHead, token: string): boolean {
  if (given === undefined || token === "" || given.length !== token.length) return false;
  return timingSafeEqual(Buffer.from(given, "latin1"), Buffer.from(token, "latin1"));
}
