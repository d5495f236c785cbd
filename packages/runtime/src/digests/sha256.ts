import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Digest } from "@sluice/core/units/canonical-json";

/** Digest of a text (as UTF-8), as `sha256:<64 hex digits>`. The hash that core takes as a port. */
export const sha256Text: Digest = (text) => named(createHash("sha256").update(text, "utf8").digest("hex"));

/** Digest of everything a stream yields. */
export async function sha256Stream(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return named(hash.digest("hex"));
}

/** Digest of a file's bytes; never holds more than a piece of it. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return named(hash.digest("hex"));
}

/** The hex digits, for file and folder names; undefined when `digest` is not a sha256 digest. */
export function hexOfDigest(digest: string): string | undefined {
  return /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
}

const named = (hex: string): string => `sha256:${hex}`;
