import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface SampleRelease {
  readonly site: string;
  readonly version: string;
  /**
   * What is wrong with it: `dies` ends with exit code 3 when started, `fails-public` answers 500 under public names, `fails-some`
   * does so to every sixth post only, which no probe sends.
   */
  readonly variant: "good" | "dies" | "fails-public" | "fails-some";
}

/** Written below the data folder of a dev fleet, ready for `sluice release push`. */
export const sampleReleases: readonly SampleRelease[] = [
  { site: "shop", version: "1", variant: "good" },
  { site: "shop", version: "2", variant: "good" },
  { site: "shop", version: "3", variant: "good" },
  { site: "shop", version: "3.1", variant: "good" },
  { site: "shop", version: "4-dies", variant: "dies" },
  { site: "shop", version: "5-half", variant: "fails-public" },
  { site: "shop", version: "6-some", variant: "fails-some" },
  { site: "shop", version: "7", variant: "good" },
  { site: "blog", version: "1", variant: "good" },
];

/** What every good page of a site contains; the load generator and the probes look for it. */
export const titleOf = (site: string): string => `${site.slice(0, 1).toUpperCase()}${site.slice(1)}`;

/** Folder of a sample release below the data folder. */
export const sampleFolder = (dir: string, release: { readonly site: string; readonly version: string }): string =>
  join(dir, "samples", `${release.site}-${release.version}`);

/** Writes the folders of all sample releases. */
export async function writeSampleReleases(dir: string): Promise<void> {
  const server = fileURLToPath(new URL("sample-site/server.mjs", import.meta.url));
  for (const release of sampleReleases) {
    const folder = sampleFolder(dir, release);
    await mkdir(folder, { recursive: true });
    await copyFile(server, join(folder, "server.mjs"));
    const site = {
      name: release.site,
      title: titleOf(release.site),
      version: release.version,
      variant: release.variant,
    };
    await writeFile(join(folder, "site.json"), `${JSON.stringify(site, undefined, 2)}\n`);
  }
}
