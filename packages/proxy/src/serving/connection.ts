import type { Socket } from "node:net";
import type { ProxyRequest } from "../forwarding/messages.ts";

/** What is known about a client's connection; one object for its whole life. */
export interface ClientConnection {
  /** The socket requests are read from: the TLS one where there is TLS. */
  readonly socket: Socket;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly bindingPort: number;
  readonly proto: "http" | "https";
  /** Requests not yet answered to their end; a tunnel counts for as long as it is open. */
  open: number;
  /** When it was accepted or last became idle, on the monotonic clock. */
  idleSince: number;
  /** The request that was read last; maybe not to its end. */
  latest?: ProxyRequest;
  /** Bytes came that are no request; nothing is read from here on. */
  broken?: boolean;
  /** Ends the connection once everything before is answered. */
  lastly?: () => void;
}

/** `::ffff:192.0.2.1` is how a dual-stack listener writes an IPv4 client; nobody behind us should have to know. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
