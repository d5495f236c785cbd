import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const entry = fileURLToPath(new URL("sluice.mjs", import.meta.url));
/** Says at every beginning of a program who it is, how many arenas the C library was given, and how many threads V8. */
const teller = `
  const [pool = "any"] = process.execArgv.flatMap((arg) => arg.match(/^--v8-pool-size=(.*)/)?.[1] ?? []);
  process.stdout.write(process.pid + ":" + (process.env.MALLOC_ARENA_MAX ?? "any") + ":" + pool + " ");`;
const args = ["--import", `data:text/javascript,${encodeURIComponent(teller)}`, entry];

async function beginningsOf(arenas?: string): Promise<string> {
  const { MALLOC_ARENA_MAX: _, ...env } = process.env;
  const child = spawn(process.execPath, [...args, "agent", "run", "--help"], {
    env: { ...env, ...(arenas !== undefined && { MALLOC_ARENA_MAX: arenas }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = await text(child.stdout);
  const [told = ""] = said.split("Usage:");
  return told.replaceAll(String(child.pid), "same").trim();
}

test.runIf(process.execve !== undefined)(
  "an agent begins once more in place, with one arena of memory and one thread of V8's",
  async () => {
    expect(await beginningsOf()).toBe("same:any:any same:1:1");
  },
);

test.runIf(process.execve !== undefined)("what the host itself says of arenas holds", async () => {
  expect(await beginningsOf("4")).toBe("same:4:any same:4:1");
});
