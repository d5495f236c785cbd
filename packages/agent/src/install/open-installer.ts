import { basename, join, sep } from "node:path";
import type { UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { sha256Text } from "@sluice/runtime";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { Installer } from "../drivers.ts";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { ArtifactStore, type FetchArtifact } from "./artifact-store.ts";
import { EditedReleases } from "./edited-releases.ts";
import { FolderLookup } from "./folder-lookup.ts";
import { ReleaseRecords } from "./release-records.ts";
import { artifactOf, hexOf } from "./site-content.ts";

export interface InstallerOptions {
  readonly dataDir: string;
  readonly fetchArtifact: FetchArtifact;
  /** Knows what runs: files below a running child's folder are never removed. */
  readonly keeper: Pick<KeeperClient, "status">;
}

export interface HostInstaller extends Installer {
  /** Files of these releases that are not as they were packed. */
  edited(releases: readonly UnitRelease[]): Promise<readonly FoundDrift[]>;
}

/** Releases on disk. See {@link Installer}; artifacts are kept by their own digest, so that releases which differ in settings share them. */
export function openInstaller({ dataDir, fetchArtifact, keeper }: InstallerOptions): HostInstaller {
  const artifacts = new ArtifactStore(dataDir, fetchArtifact);
  const edited = new EditedReleases(dataDir, artifacts);
  const records = new ReleaseRecords(dataDir);
  const installing = new Map<string, UnitRelease>();

  const complete = async (): Promise<readonly UnitRelease[]> => {
    const all = await records.all();
    const whole = await Promise.all(all.map((release) => isWhole(artifacts, release)));
    return all.filter((_, at) => whole[at]);
  };
  const lookedUp = new FolderLookup(join(dataDir, "releases"), async () =>
    (await complete()).map(({ digest }) => digest),
  );

  return {
    async ensureInstalled(release, signal) {
      assertDigest(release);
      installing.set(release.digest, release);
      try {
        const artifact = artifactOf(release);
        if (artifact !== undefined) await artifacts.ensure(artifact, signal);
        signal.throwIfAborted();
        if (!(await complete()).some(({ digest }) => digest === release.digest)) await records.write(release);
      } finally {
        lookedUp.forget();
        installing.delete(release.digest);
      }
    },
    installed: () => lookedUp.get(),
    edited: (releases) => edited.find(releases),
    editedIn: (release) => edited.findIn(release),
    async prune(keep) {
      const running = await runningFolders(keeper);
      const kept: UnitRelease[] = [...installing.values()];
      for (const release of await records.all()) {
        if (keep.has(release.digest)) kept.push(release);
        else await records.remove(release.digest);
      }
      const hexes = kept
        .map(artifactOf)
        .filter((artifact) => artifact !== undefined)
        .map(hexOf);
      await artifacts.prune(new Set([...hexes, ...running]));
      lookedUp.forget();
    },
  };
}

async function isWhole(artifacts: ArtifactStore, release: UnitRelease): Promise<boolean> {
  const artifact = artifactOf(release);
  return artifact === undefined || artifacts.isComplete(artifact);
}

/** Names of the folders that the keeper and its children run in, whoever started them. */
async function runningFolders(keeper: Pick<KeeperClient, "status">): Promise<readonly string[]> {
  const { children, program } = await keeper.status();
  return [...children.map(({ cwd }) => basename(cwd)), ...(program?.file.split(sep) ?? [])];
}

/** The name of a release is the digest of its content; anything else under that name would be proven under a false one. */
function assertDigest(release: UnitRelease): void {
  const found = sha256Text(canonicalJson(release.content));
  if (found === release.digest) return;
  throw new Problem(
    "release-invalid",
    `cannot install ${release.unit} ${release.version}: its content has digest ${found}, expected ${release.digest}`,
  );
}
