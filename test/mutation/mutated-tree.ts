import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Mutation } from "./mutation.ts";

/** A copy of the project, with the libraries of the original, in which the core can be broken. */
export interface MutatedTree extends AsyncDisposable {
  readonly root: string;
  /** Puts one mutation in; the one before is taken out. Rejects when its text is not there exactly once. */
  readonly put: (mutation: Mutation) => Promise<void>;
}

/** Copies what tests of the core and the simulation need; everything goes when it is disposed. */
export async function openMutatedTree(project: string): Promise<MutatedTree> {
  const root = await mkdtemp(join(tmpdir(), "sluice-mutation-"));
  await copySources(project, root);
  await linkLibraries(project, root);
  let undo = async (): Promise<void> => undefined;
  return {
    root,
    put: async ({ name, file, find, put }) => {
      await undo();
      const path = join(root, "packages/core/src", file);
      const text = await readFile(path, "utf8");
      const parts = text.split(find);
      if (parts.length !== 2)
        throw new Error(
          `cannot put mutation '${name}' into ${file}: its text is there ${parts.length - 1} times, not once`,
        );
      await writeFile(path, parts.join(put));
      undo = () => writeFile(path, text);
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** Nothing of the libraries: each package of ours finds them at the top. */
const isSource = (path: string): boolean => !/(^|\/)(node_modules|\.turbo)(\/|$)/.test(path);

async function copySources(project: string, root: string): Promise<void> {
  for (const name of ["package.json", "tsconfig.json", "vitest.config.ts", "packages", "test", "proto", "docs"]) {
    const from = join(project, name);
    await cp(from, join(root, name), {
      recursive: true,
      filter: (path) => isSource(relative(project, path)),
    });
  }
}

/** Libraries are the original's; packages of ours are the copy's, or the mutation would not be met. */
async function linkLibraries(project: string, root: string): Promise<void> {
  for (const folder of [
    "",
    "test",
    ...(await foldersIn(join(project, "packages"))).map((name) => `packages/${name}`),
  ]) {
    const from = join(project, folder, "node_modules");
    for (const name of await foldersIn(from)) {
      if (name === "@sluice") continue;
      await link(join(from, name), join(root, folder, "node_modules", name));
    }
  }
  for (const name of await foldersIn(join(root, "packages")))
    await link(join(root, "packages", name), join(root, "node_modules/@sluice", name));
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

/** Names of folders; none when there is no such place. */
async function foldersIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
}
