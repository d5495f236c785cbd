import { Problem } from "@sluice/core";

/** What was heard of one way at one moment, as a row keeps it. */
export interface Entry {
  /** Id of the way. */
  readonly way: number;
  readonly counts: readonly number[];
  /** In words; empty for none. */
  readonly text: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Entries of one row as bytes: for each its way, the length of the rest, the number of counts, the counts, the text in UTF-8.
 * Numbers are base-128 varints, so that a way without requests takes three bytes.
 */
export function packEntries(entries: readonly Entry[]): Uint8Array {
  const bytes: number[] = [];
  for (const { way, counts, text } of entries) {
    const rest: number[] = [];
    putNumber(rest, counts.length);
    for (const count of counts) putNumber(rest, count);
    if (text !== "") for (const byte of encoder.encode(text)) rest.push(byte);
    putNumber(bytes, way);
    putNumber(bytes, rest.length);
    for (const byte of rest) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Reads a row back. Throws `state-corrupt` when it is cut short. */
export function unpackEntries(bytes: Uint8Array): readonly Entry[] {
  const entries: Entry[] = [];
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const way = reader.number();
    const end = reader.number() + reader.at;
    if (end > bytes.length) throw cutShort();
    entries.push(readRest(reader, way, end));
    reader.at = end;
  }
  return entries;
}

function readRest(reader: Reader, way: number, end: number): Entry {
  const counts: number[] = [];
  for (let left = reader.number(); left > 0; left -= 1) counts.push(reader.number());
  return { way, counts, text: reader.at === end ? "" : decoder.decode(reader.bytes.subarray(reader.at, end)) };
}

/** Not by shifts: they would cut numbers at 32 bits. */
function putNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

class Reader {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw cutShort();
      this.at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

const cutShort = (): Problem => new Problem("state-corrupt", "cannot read evidence: a row of it is cut short");
