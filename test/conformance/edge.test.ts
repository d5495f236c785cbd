import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { valuesOf } from "./support/response-reader.ts";
import { ok, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request } from "./support/wire-client.ts";

const main = fileURLToPath(new URL("../../packages/proxy/src/edge/main.ts", import.meta.url));

/** The edge as a process with this configuration; `started` gives its port. */
async function startEdgeProcess(config: unknown) {
  const dir = await mkdtemp(join(tmpdir(), "sluice-edge-"));
  const file = join(dir, "edge.json");
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, [main, "--config", file], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").then(([code]): number | null => code);
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  return {
    exited,
    output: () => output,
    stop: () => child.kill("SIGTERM"),
    async started(): Promise<{ readonly port: number }> {
      while (!output.includes("\n")) await once(child.stdout, "data");
      return { port: Number(/"port":(\d+)/.exec(output)?.[1]) };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

test("the edge leads a public name to its hosts in turn, passes one over that refuses, and ends on SIGTERM", async () => {
  await using one = await startScriptedSlot(() => ok("one"));
  await using two = await startScriptedSlot(() => ok("two"));
  const gone = await startScriptedSlot();
  await gone[Symbol.asyncDispose]();
  await using edge = await startEdgeProcess({
    listen: { address: "127.0.0.1", port: 0 },
    routes: { "app.test": [one, two, gone].map(({ port }) => `127.0.0.1:${port}`) },
  });
  const at = await edge.started();
  const bodies = new Set<string>();
  for (let round = 0; round < 9; round++) {
    const answer = await exchange(at, get());
    expect(answer.status).toBe(200);
    bodies.add(answer.body.toString());
  }
  expect(bodies).toEqual(new Set(["one", "two"]));
  const seen = one.requests[0] ?? { headers: [] };
  expect(valuesOf(seen, "host")).toEqual(["app.test"]);
  expect(valuesOf(seen, "x-forwarded-for")).toEqual(["127.0.0.1"]);
  expect((await exchange(at, request("GET / HTTP/1.1", "Host: unknown.test"))).status).toBe(421);
  edge.stop();
  expect(await edge.exited).toBe(0);
});

test("an edge with a configuration that is no good ends with 2 and says why", async () => {
  await using edge = await startEdgeProcess({ listen: { address: "127.0.0.1" }, routes: {} });
  expect(await edge.exited).toBe(2);
  expect(edge.output()).toMatch(/edge\.config-invalid[\s\S]*port/);
});
