import type { IncomingMessage } from "node:http";
import { Problem } from "@sluice/core/problems/problem";

/** Beyond this many times the limit the sender is cut off; until then it is heard out, so that it gets to read the refusal. */
const patience = 16;

/** The whole body; refuses one larger than `bytesMax` without ever holding more than that. */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size <= bytesMax) pieces.push(piece);
    else pieces.length = 0;
    if (size > bytesMax * patience) break;
  }
  if (size <= bytesMax) return Buffer.concat(pieces);
  throw new Problem("message-invalid", `cannot read the body: it is larger than ${bytesMax} bytes`);
}
