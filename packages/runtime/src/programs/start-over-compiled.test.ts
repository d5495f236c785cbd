import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);

/** Says with which pid it began and goes on, how often it was started, and whether a compiler of TypeScript is in it. */
const program = `
import { appendFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
appendFileSync(process.argv[3], process.pid + "\\n");
enableCompileCache(process.argv[2]);
const { startOverCompiled } = await import(${JSON.stringify(new URL("start-over-compiled.ts", import.meta.url).href)});
startOverCompiled();
const compiler = process.moduleLoadList.some((name) => name.includes("amaro"));
console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(4), env: process.env.KEPT, compiler }));
`;

test("a program that was compiled starts over once in the same process, without the compiler; the next start is its only one", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sl-over-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "start.mjs");
  await writeFile(file, program);
  const start = async (starts: string) => {
    const args = [file, join(dir, "cache"), join(dir, starts), "a b"];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, KEPT: "1" } });
    return {
      said: JSON.parse(stdout),
      pids: (await readFile(join(dir, starts), "utf8")).trim().split("\n").map(Number),
    };
  };
  const first = await start("first");
  expect(first.said).toEqual({ pid: first.pids[0], args: ["a b"], env: "1", compiler: false });
  expect(first.pids).toEqual([first.said.pid, first.said.pid]);
  const second = await start("second");
  expect(second.said).toMatchObject({ compiler: false });
  expect(second.pids).toEqual([second.said.pid]);
});
