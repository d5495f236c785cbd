import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Text } from "@sluice/runtime";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { digestWords } from "./digest-words.ts";
import type { FoundDrift } from "./start-drift-watch.ts";

/** The file that the next keeper would go on by, where it is not what the running one wrote; that one writes it anew. */
export async function editedKeeperState(
  dataDir: string,
  keeper: Pick<KeeperClient, "stateFile" | "rewriteState">,
): Promise<readonly FoundDrift[]> {
  const where = join(dataDir, "keeper", "state.json");
  const { digest } = await keeper.stateFile();
  const text = await readFile(where, "utf8").catch(() => undefined);
  const found = text === undefined ? undefined : sha256Text(text);
  if (digest === undefined || found === digest) return [];
  return [
    {
      kind: "state-edited",
      about: "host",
      where,
      expected: digestWords(digest),
      found: digestWords(found),
      heal: () => keeper.rewriteState(),
    },
  ];
}
