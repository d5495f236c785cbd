import { join } from "node:path";
import type { UnitRelease } from "@sluice/core";
import { type ChangedFile, compareUnpacked, restoreUnpacked } from "@sluice/runtime/artifacts/compare-unpacked";
import { digestWords } from "../drift/digest-words.ts";
import { stampOf } from "../drift/file-stamps.ts";
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
    let isRead = false;
    for (const [artifact, release] of byArtifact(releases)) {
      if (await this.#isSound(artifact)) continue;
      const isNew = !this.#verified.has(artifact);
      if (isNew && isRead) continue;
      const edited = await this.#compare(artifact, release);
      if (isNew && edited !== undefined) isRead = true;
      found.push(...(edited ?? []));
    }
    return found;
  }

  /** The same of one release at once, read if it was not yet. */
  async findIn(release: UnitRelease): Promise<readonly FoundDrift[]> {
    const artifact = artifactOf(release);
    if (artifact === undefined || (await this.#isSound(artifact))) return [];
    return (await this.#compare(artifact, release)) ?? [];
  }

  async #isSound(artifact: string): Promise<boolean> {
    const known = this.#verified.get(artifact);
    return known !== undefined && (await this.#stampOf(artifact, known.paths)) === known.stamp;
  }

  #stampOf(artifact: string, paths: readonly string[]): Promise<string> {
    return stampOf(paths.map((path) => join(this.#folder(artifact), path)));
  }

  #folder(artifact: string): string {
    return releaseFolder(this.#dataDir, artifact);
  }

  /** Undefined when there is nothing to compare it with, or not all of it is here. */
  async #compare(artifact: string, release: UnitRelease): Promise<readonly FoundDrift[] | undefined> {
    const folder = this.#folder(artifact);
    if (!(await this.#artifacts.isComplete(artifact))) return undefined;
    const tarball = await this.#artifacts.soundTarball(artifact);
    if (tarball === undefined) return undefined;
    const { paths, changed } = await compareUnpacked(tarball, folder);
    if (changed.length === 0) this.#verified.set(artifact, { paths, stamp: await this.#stampOf(artifact, paths) });
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
