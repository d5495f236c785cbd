import type { SlotRequest } from "./scripted-slot.ts";
import { get } from "./wire-client.ts";

/** The handshake of RFC 6455 §1.3. */
export function upgrade(path = "/socket"): string {
  return get(
    path,
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  );
}

/** Its answer. */
export const switching =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

export function isUpgrade({ headers }: Pick<SlotRequest, "headers">): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === "upgrade" && value === "websocket");
}
