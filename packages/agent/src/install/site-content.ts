import { join } from "node:path";
import type { SiteReleaseContent, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { isProgram } from "@sluice/core/programs/program-release";
import { hexOfDigest } from "@sluice/runtime";

/** The content of a site release; throws `release-invalid` for the release of another kind of unit. */
export function siteContent(release: UnitRelease): SiteReleaseContent {
  if ("run" in release.content) return release.content;
  throw new Problem("release-invalid", `cannot run ${release.unit} ${release.version}: it is not a site release`);
}

/** Digest of the tarball that belongs to a release; undefined for proxies, and for what brings its own files. */
export function artifactOf({ content }: UnitRelease): string | undefined {
  if ("run" in content) return content.artifact;
  return isProgram(content) ? content.files?.artifact : undefined;
}

/** Where the files of an artifact are once they are complete. */
export function releaseFolder(dataDir: string, artifact: string): string {
  return join(dataDir, "releases", hexOf(artifact));
}

/** The hex digits of a digest; throws `release-invalid` for anything else, so that no path is ever built from it. */
export function hexOf(digest: string): string {
  const hex = hexOfDigest(digest);
  if (hex !== undefined) return hex;
  throw new Problem("release-invalid", `cannot use digest '${digest}': expected sha256 and 64 hex digits`);
}
