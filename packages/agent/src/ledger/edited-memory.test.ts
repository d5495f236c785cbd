import { mkdtempDisposable, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, type Intent } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { expect, test } from "vitest";
import { openHostMemory } from "./host-memory.ts";

const body: Intent["body"] = { environment: "production", unconfirmed: "revert", sites: [], units: [], grants: [] };
const intent: Intent = { host: "web-1", generation: 1, fence: 1, digest: sha256Text(canonicalJson(body)), body };

test("an intent or a ledger that is edited by hand is found, and written again as the agent remembers it", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-memory-"));
  const memory = await openHostMemory({ dataDir: dir.path });
  expect(await memory.edited()).toEqual([]);
  await memory.putIntent(intent);
  await memory.update((ledger) => ({ ...ledger, reconnectAfterMs: 7 }));
  expect(await memory.edited()).toEqual([]);
  const paths = { intent: join(dir.path, "agent", "intent.json"), ledger: join(dir.path, "agent", "ledger.json") };
  // Another layout says the same.
  await writeFile(paths.intent, JSON.stringify(JSON.parse(await readFile(paths.intent, "utf8")), undefined, 2));
  expect(await memory.edited()).toEqual([]);
  await writeFile(paths.intent, JSON.stringify({ ...intent, generation: 99 }));
  await rm(paths.ledger);
  const found = await memory.edited();
  expect(found).toMatchObject([
    { kind: "state-edited", about: "host", where: paths.ledger, found: "no file" },
    { kind: "state-edited", about: "host", where: paths.intent },
  ]);
  for (const one of found) await one.heal?.();
  expect(await memory.edited()).toEqual([]);
  const again = await openHostMemory({ dataDir: dir.path });
  expect(again.intent).toEqual(intent);
  expect(again.ledger.reconnectAfterMs).toBe(7);
});
