import { randomFillSync } from "node:crypto";
import type { Clock } from "../clock/clock.ts";
import type { Ids } from "./ids.ts";

/** Room for ids made within one millisecond: 12 bits, as `rand_a` in RFC 9562 section 5.7. */
const perMillisecond = 4096;

/**
 * Ids in the manner of UUIDv7 (RFC 9562 section 5.7, counter by method 1 of section 6.2): 48 bits of milliseconds, version,
 * a 12-bit counter, 62 random bits, without dashes. When the clock steps back, the newest time used is kept.
 */
export function createIds(clock: Pick<Clock, "now">): Ids {
  let last = 0;
  let count = 0;
  return {
    newId(prefix) {
      const now = clock.now();
      count = now > last ? 0 : count + 1;
      last = Math.max(now, last);
      if (count === perMillisecond) {
        last += 1;
        count = 0;
      }
      return `${prefix}-${uuidv7Hex(last, count)}`;
    },
  };
}

const randomBytesPerId = 8;
/** Drawn for so many ids at a time: a call for one costs nearly as much as one for all of them. */
const pool = Buffer.alloc(128 * randomBytesPerId);
let used = pool.length;

function randomBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += randomBytesPerId;
  return pool.subarray(used - randomBytesPerId, used);
}

function uuidv7Hex(epochMs: number, counter: number): string {
  const random = randomBytes();
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
  return `${epochMs.toString(16).padStart(12, "0")}7${counter.toString(16).padStart(3, "0")}${random.toString("hex")}`;
}
