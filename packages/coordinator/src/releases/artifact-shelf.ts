import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@sluice/core";
import { asDiskFull, hexOfDigest, syncFolder } from "@sluice/runtime";
import { unpackArtifact } from "@sluice/runtime/artifacts/unpack-artifact";

/** What a sender says about a tarball before it sends it. */
export interface ArtifactOpening {
  /** `sha256:<hex>` of the whole tarball. */
  readonly digest: string;
  readonly bytes: number;
}

/** A tarball travels in pieces of this size. */
const chunkBytes = 64 * 1024;

/** Tarballs on disk by the digest of their bytes: `DIR/artifacts/<hex>.tgz`. What is there is whole and was checked. */
export class ArtifactShelf {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the shelf and removes what an interrupted upload left behind. */
  static async open(dataDir: string): Promise<ArtifactShelf> {
    const folder = join(dataDir, "artifacts");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const left = (await readdir(folder)).filter((name) => !/^[0-9a-f]{64}\.tgz$/.test(name));
    await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
    return new ArtifactShelf(folder);
  }

  async has(digest: string): Promise<boolean> {
    return (await stat(this.#path(digest)).catch(() => undefined))?.isFile() === true;
  }

  /**
   * Receives a tarball into a temporary file, checks size and digest, unpacks it by the rules of the agents and only then
   * puts it on the shelf: what an agent would refuse is refused here. Nothing stays behind when anything is wrong with it.
   */
  async receive(opening: ArtifactOpening, chunks: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    const temporary = join(this.#folder, `${name}.tmp`);
    const unpacked = join(this.#folder, `${name}.unpacked`);
    try {
      await write(temporary, opening, chunks);
      await unpackArtifact(temporary, opening.digest, unpacked);
      await rename(temporary, this.#path(opening.digest));
      await syncFolder(this.#folder);
    } catch (error) {
      await rm(temporary, { force: true });
      throw asDiskFull(error, temporary);
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  }

  /** The bytes of a tarball, read no faster than they are taken. Throws `artifact-unknown` when it is not here. */
  async *read(digest: string): AsyncIterable<Buffer> {
    if (!(await this.has(digest))) {
      throw new Problem("artifact-unknown", `cannot fetch artifact '${digest}': it is not on this coordinator`, {
        hint: "push the release again: sluice release push SITE VERSION DIR",
      });
    }
    yield* createReadStream(this.#path(digest), { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>;
  }

  #path(digest: string): string {
    const hex = hexOfDigest(digest);
    if (hex === undefined)
      throw new Problem("message-invalid", `cannot use artifact '${digest}': a digest is sha256:<64 hex digits>`);
    return join(this.#folder, `${hex}.tgz`);
  }
}

async function write(path: string, opening: ArtifactOpening, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > opening.bytes) throw wrongSize(opening, `more than ${opening.bytes}`);
    hash.update(chunk);
    await file.write(chunk);
  }
  if (bytes !== opening.bytes) throw wrongSize(opening, String(bytes));
  const digest = `sha256:${hash.digest("hex")}`;
  if (digest !== opening.digest) {
    throw new Problem(
      "artifact-digest-mismatch",
      `cannot take artifact: its bytes have digest ${digest}, it was announced as ${opening.digest}`,
    );
  }
  await file.sync();
}

function wrongSize(opening: ArtifactOpening, found: string): Problem {
  return new Problem(
    "artifact-truncated",
    `cannot take artifact '${opening.digest}': ${opening.bytes} bytes were announced, ${found} came`,
    {
      hint: "push it again",
    },
  );
}
