import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface CodeFile {
  readonly path: string;
  /** Time of its last change by the file system: that of its content can be put back, this one can't. */
  readonly changedAt: number;
}

/** The file below the `src` folders of the packages in `codeDir` that was put there or changed last; undefined when there is none. */
export async function newestCodeFile(codeDir: string): Promise<CodeFile | undefined> {
  const packages = await readdir(codeDir).catch(() => []);
  const files = await Promise.all(packages.map((name) => codeFiles(join(codeDir, name, "src"))));
  return files
    .flat()
    .reduce<CodeFile | undefined>(
      (newest, file) => (newest === undefined || file.changedAt > newest.changedAt ? file : newest),
      undefined,
    );
}

async function codeFiles(folder: string): Promise<readonly CodeFile[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name));
  // Hundreds of files of some microseconds each: handing each to another thread and back would cost ten times as much.
  return paths.flatMap((path) => {
    const changedAt = changeOf(path);
    return changedAt === undefined ? [] : [{ path, changedAt }];
  });
}

function changeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ctimeMs;
  } catch {
    return undefined;
  }
}
