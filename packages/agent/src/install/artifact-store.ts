import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { asProblem, sha256File, syncFolder } from "@sluice/runtime";
import { isUnpacked, unpackArtifact } from "@sluice/runtime/artifacts/unpack-artifact";
import { asDiskFull } from "@sluice/runtime/files/durable-file";
import { createSharedWork } from "./shared-work.ts";
import { hexOf, releaseFolder } from "./site-content.ts";

/** Writes the tarball with this digest to `toFile`, which does not exist yet. */
export type FetchArtifact = (digest: string, toFile: string, signal: AbortSignal) => Promise<void>;

/** Tarballs below `dataDir/artifacts` and what they unpack to below `dataDir/releases`. */
export class ArtifactStore {
  readonly #dataDir: string;
  readonly #fetch: FetchArtifact;
  readonly #sharing = createSharedWork<void>();
  readonly #wanted = new Map<string, number>();

  constructor(dataDir: string, fetchArtifact: FetchArtifact) {
    this.#dataDir = dataDir;
    this.#fetch = fetchArtifact;
  }

  /** Downloads, verifies and unpacks, as far as that is not done yet. */
  async ensure(digest: string, signal: AbortSignal): Promise<void> {
    const hex = hexOf(digest);
    this.#wanted.set(hex, (this.#wanted.get(hex) ?? 0) + 1);
    try {
      await this.#sharing(hex, signal, (shared) => this.#install(digest, shared));
    } finally {
      const rest = (this.#wanted.get(hex) ?? 1) - 1;
      if (rest === 0) this.#wanted.delete(hex);
      else this.#wanted.set(hex, rest);
    }
  }

  isComplete(digest: string): Promise<boolean> {
    return isUnpacked(releaseFolder(this.#dataDir, digest), digest);
  }

  /** The tarball as it was downloaded; undefined when it is gone or is another one by now. */
  async soundTarball(digest: string): Promise<string | undefined> {
    const tarball = join(this.#artifacts, `${hexOf(digest)}.tgz`);
    return (await holds(tarball, digest)) ? tarball : undefined;
  }

  /** Removes every tarball and folder whose hex digest is not in `keep` and that nobody is installing right now. */
  async prune(keep: ReadonlySet<string>): Promise<void> {
    for (const folder of [this.#artifacts, join(this.#dataDir, "releases")]) {
      for (const name of await readdir(folder).catch(() => [])) {
        const hex = /^([0-9a-f]{64})(?!\.json)/.exec(name)?.[1];
        if (hex === undefined || keep.has(hex) || this.#wanted.has(hex)) continue;
        await remove(join(folder, name));
      }
    }
  }

  get #artifacts(): string {
    return join(this.#dataDir, "artifacts");
  }

  async #install(digest: string, signal: AbortSignal): Promise<void> {
    if (await this.isComplete(digest)) return;
    const tarball = join(this.#artifacts, `${hexOf(digest)}.tgz`);
    if (!(await holds(tarball, digest))) await this.#download(digest, tarball, signal);
    signal.throwIfAborted();
    await unpackArtifact(tarball, digest, releaseFolder(this.#dataDir, digest));
  }

  async #download(digest: string, tarball: string, signal: AbortSignal): Promise<void> {
    const partial = `${tarball}.part`;
    try {
      await mkdir(this.#artifacts, { recursive: true, mode: 0o700 });
      await rm(partial, { force: true });
      await this.#fetch(digest, partial, signal);
      signal.throwIfAborted();
      await assertHolds(partial, digest);
      await sync(partial);
      await rename(partial, tarball);
      await syncFolder(this.#artifacts);
    } catch (error) {
      await rm(partial, { force: true });
      if (signal.aborted) throw signal.reason;
      throw asProblem(asDiskFull(error, partial), `cannot download artifact ${digest}`);
    }
  }
}

async function holds(tarball: string, digest: string): Promise<boolean> {
  return (await sha256File(tarball).catch(() => undefined)) === digest;
}

async function assertHolds(file: string, digest: string): Promise<void> {
  const found = await sha256File(file);
  if (found === digest) return;
  throw new Problem("artifact-digest-mismatch", `cannot use a download: its digest is ${found}, expected ${digest}`, {
    hint: "the coordinator's copy or the way to it is damaged; the download is tried again",
  });
}

async function sync(file: string): Promise<void> {
  await using handle = await open(file, "r");
  await handle.sync();
}

/** A folder loses its name before its content, so that half of it never looks like all of it. */
async function remove(path: string): Promise<void> {
  if (path.endsWith(".tgz")) return rm(path, { force: true });
  const doomed = path.includes(".removing") ? path : `${path}.removing`;
  if (doomed !== path) {
    await rm(doomed, { recursive: true, force: true });
    await rename(path, doomed);
  }
  await rm(doomed, { recursive: true, force: true });
}
