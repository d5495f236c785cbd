import { gzipSync } from "node:zlib";

export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly text: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const block = 512;

/** A gzipped tarball with exactly these entries, also such that no packer would make. */
export function tarball(entries: readonly TarEntry[]): Buffer {
  return gzipSync(Buffer.concat([...entries.map(entryBytes), Buffer.alloc(2 * block)]));
}

function entryBytes(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.kind === "file" ? entry.text : "");
  const padding = Buffer.alloc((block - (content.length % block)) % block);
  return Buffer.concat([header(entry, content.length), content, padding]);
}

/** POSIX ustar, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06 */
function header(entry: TarEntry, bytes: number): Buffer {
  const head = Buffer.alloc(block);
  head.write(entry.path, 0);
  head.write("0000644\0", 100);
  head.write("0000000\0", 108);
  head.write("0000000\0", 116);
  head.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124);
  head.write("00000000000\0", 136);
  head.write("        ", 148);
  head.write(entry.kind === "file" ? "0" : "2", 156);
  if (entry.kind === "link") head.write(entry.target, 157);
  head.write("ustar\0", 257);
  head.write("00", 263);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return head;
}
