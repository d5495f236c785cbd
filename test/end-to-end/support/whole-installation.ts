/** What Sluice is installed in, whole: its packages, what they depend on, and the links between them; nothing that is not needed to run. */
import { copyFile, link, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Tests, types and documents are most of the files, and nobody runs them. */
const unneeded = /\.test\.ts$|\.d\.[cm]?ts$|\.map$|\.md$|\.flow$/;
/** Packages of ours are run as they are written; others bring what they were compiled from along. */
const uncompiled = /\.[cm]?tsx?$/;
const unneededFolders = ["node_modules", "testing", ".bin", ".turbo"];

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly dev?: true; readonly link?: true; readonly resolved?: string }>
  >;
}

/**
 * Makes a folder for `sluice agent push` as `npm ci --omit=dev` leaves it behind, of hard links to the files of this one. It says that
 * it is `version`.
 */
export async function writeWholeInstallation(dir: string, version: string): Promise<string> {
  const folder = join(dir, `sluice-${version}`);
  const { packages }: LockFile = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== "" && path !== "test" && dev !== true);
  for (const [path, { link: isLink, resolved = "" }] of needed) {
    if (resolved === "test") continue;
    if (isLink === true) await linkPackage(folder, path, resolved);
    else await linkFiles(folder, path, path.startsWith("packages/"));
  }
  for (const name of ["cli", "agent"]) await writeVersion(folder, join("packages", name, "package.json"), version);
  return folder;
}

async function linkPackage(folder: string, path: string, target: string): Promise<void> {
  const place = join(folder, path);
  await mkdir(dirname(place), { recursive: true });
  const up = path
    .split("/")
    .slice(1)
    .map(() => "..")
    .join("/");
  await symlink(`${up}/${target}`, place);
}

async function linkFiles(folder: string, path: string, isOurs: boolean): Promise<void> {
  const entries = await readdir(join(root, path), { withFileTypes: true });
  await mkdir(join(folder, path), { recursive: true });
  await Promise.all(
    entries.map(async (entry) => {
      const { name } = entry;
      const below = join(path, name);
      if (entry.isDirectory()) {
        if (!unneededFolders.includes(name)) await linkFiles(folder, below, isOurs);
      } else if (!unneeded.test(name) && (isOurs || !uncompiled.test(name))) await linkFile(folder, below);
    }),
  );
}

/** A folder of temporary files may lie on another disk. */
const linkFile = (folder: string, path: string): Promise<void> =>
  link(join(root, path), join(folder, path)).catch(() => copyFile(join(root, path), join(folder, path)));

/** Written anew and put in the place of the link: the file that it leads to is the one of this very program. */
async function writeVersion(folder: string, path: string, version: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(root, path), "utf8"));
  const place = join(folder, path);
  await rm(place);
  await writeFile(place, JSON.stringify({ ...manifest, version }));
}
