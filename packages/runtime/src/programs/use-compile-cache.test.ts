import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, realpath, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { cleanCompileCache, folderOf, markOf } from "./clean-compile-cache.mjs";

let dir: string;
let base: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "sl-compiled-")));
  base = join(dir, "sluice");
  const made = dir;
  onTestFinished(() => rm(made, { recursive: true, force: true }));
});

const installationOf = (name: string): string => join(dir, name, "/");
const compiled = async (): Promise<readonly string[]> => (await readdir(base)).sort();
const foldersOf = (...names: readonly string[]): readonly string[] =>
  names.map((name) => folderOf(installationOf(name))).sort();

/** Programs that are installed and were started in this order, one second after the other. */
async function started(...names: readonly string[]): Promise<void> {
  for (const [at, name] of names.entries()) {
    const folder = join(base, folderOf(installationOf(name)));
    await mkdir(join(dir, name), { recursive: true });
    await mkdir(folder, { recursive: true });
    await writeFile(markOf(folder), installationOf(name));
    await utimes(folder, 1_000 + at, 1_000 + at);
  }
}

function begin(file: string): ChildProcess {
  const env = { ...process.env, XDG_CACHE_HOME: dir, CACHE_DIRECTORY: undefined };
  const child = spawn(process.execPath, [file], { env, stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  return child;
}

test("what was compiled is kept of the four programs that were started last, and of one that runs", async () => {
  await started("running", "old", "a", "b", "c", "d");
  const main = join(dir, "running", "main.mjs");
  await writeFile(main, 'console.log("runs"); process.stdin.resume();');
  const { stdout } = begin(main);
  if (stdout !== null) await once(stdout, "data");
  cleanCompileCache(base);
  expect(await compiled()).toEqual(foldersOf("a", "b", "c", "d", "running"));
});

test("what was compiled of a program that is gone goes with it, and nothing else that lies there", async () => {
  await started("here", "gone");
  await writeFile(join(base, "notes.txt"), "somebody's own");
  await rm(join(dir, "gone"), { recursive: true });
  cleanCompileCache(base);
  expect(await compiled()).toEqual(["notes.txt", ...foldersOf("here")]);
});

test("what Node put there for older versions counts as a program that was started when it was added to last", async () => {
  const before = join(base, "v26.10.0-x64-310b2ce3-0");
  await mkdir(before, { recursive: true });
  await utimes(before, 1, 1);
  await started("a", "b", "c");
  cleanCompileCache(base);
  expect(await compiled()).toEqual([...foldersOf("a", "b", "c"), "v26.10.0-x64-310b2ce3-0"]);
  await started("a", "b", "c", "d");
  cleanCompileCache(base);
  expect(await compiled()).toEqual(foldersOf("a", "b", "c", "d"));
});

test("a program that starts for the first time compiles into a folder of its own, and clears away what is left of others", async () => {
  await started("gone");
  await rm(join(dir, "gone"), { recursive: true });
  const main = join(dir, "new", "packages/runtime/src/programs/main.mjs");
  await mkdir(dirname(main), { recursive: true });
  for (const file of ["use-compile-cache.mjs", "clean-compile-cache.mjs"])
    await cp(new URL(file, import.meta.url), join(dirname(main), file));
  await writeFile(
    main,
    `import { getCompileCacheDir } from "node:module";
import { useCompileCache } from "./use-compile-cache.mjs";
useCompileCache();
console.log(getCompileCacheDir());`,
  );
  const { stdout } = begin(main);
  const [said] = stdout === null ? [] : await once(stdout, "data");
  const own = join(base, folderOf(installationOf("new")));
  expect(String(said)).toContain(join(own, process.version));
  expect(await compiled()).toEqual(foldersOf("new"));
});
