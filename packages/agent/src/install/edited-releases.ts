import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { UnitRelease } from "@sluice/core";
import { type ChangedFile, compareUnpacked, restoreUnpacked } from "@sluice/runtime/artifacts/compare-unpacked";
import { digestWords } from "../drift/digest-words.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { artifactOf, releaseFolder } from "./site-content.ts";

interface Verified {
  readonly paths: readonly string[];
  /** Of every file of the artifact, as far as the file system tells without reading it. */
  readonly stamp: string;
}

/**
 * Finds files of installed artifacts that are not as they were packed, by content. What was found as it should be is read again
 * only when the file system says that a file of it changed; what was never read yet is read one artifact a look.
 */
export class EditedReleases {
  readonly #dataDir: string;
  readonly #artifacts: ArtifactStore;
  readonly #verified = new Map<string, Verified>();

  constructor(dataDir: string, artifacts: ArtifactStore) {
    this.#dataDir = dataDir;
    this.#artifacts = artifacts;
  }

  async find(releases: readonly UnitRelease[]): Promise<readonly FoundDrift[]> {
    const found: FoundDrift[] = [];
    let isFirst = true;
    for (const [artifact, release] of byArtifact(releases)) {
      const known = this.#verified.get(artifact);
      if (known !== undefined && (await stampOf(this.#folder(artifact), known.paths)) === known.stamp) continue;
      if (known === undefined && !isFirst) continue;
      if (known === undefined) isFirst = false;
      found.push(...(await this.#compare(artifact, release)));
    }
    return found;
  }

  #folder(artifact: string): string {
    return releaseFolder(this.#dataDir, artifact);
  }

  async #compare(artifact: string, release: UnitRelease): Promise<readonly FoundDrift[]> {
    const folder = this.#folder(artifact);
    const tarball = await this.#artifacts.soundTarball(artifact);
    if (tarball === undefined || !(await this.#artifacts.isComplete(artifact))) return [];
    const { paths, changed } = await compareUnpacked(tarball, folder);
    if (changed.length === 0) this.#verified.set(artifact, { paths, stamp: await stampOf(folder, paths) });
    return changed.map((file) => ({
      ...changeOf(file, folder, release),
      heal: () => restoreUnpacked(tarball, folder, [file.path]),
    }));
  }
}

function changeOf({ path, expected, found }: ChangedFile, folder: string, { unit }: UnitRelease): FoundDrift {
  const words = { expected: digestWords(expected), found: digestWords(found) };
  return { kind: "release-edited", about: unit, where: join(folder, path), ...words };
}

/** Releases that differ in settings share their files. */
function byArtifact(releases: readonly UnitRelease[]): ReadonlyMap<string, UnitRelease> {
  const named = releases.flatMap((release) => {
    const artifact = artifactOf(release);
    return artifact === undefined ? [] : [[artifact, release] as const];
  });
  return new Map(named);
}

async function stampOf(folder: string, paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(
    paths.map((path) => lstat(join(folder, path), { bigint: true }).catch(() => undefined)),
  );
  return stats
    .map((one) => (one === undefined ? "absent" : `${one.ino}:${one.size}:${one.mtimeNs}:${one.ctimeNs}`))
    .join(" ");
}
