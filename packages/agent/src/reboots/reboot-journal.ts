import { join } from "node:path";
import { readDocument, writeFileDurably } from "@sluice/runtime";
import { z } from "zod";
import type { WriteDurably } from "../ledger/host-memory.ts";

/** What became of the newest order to reboot. Without `end` the command was started, and nothing is known since. */
export interface RebootEntry {
  readonly version: 1;
  readonly id: string;
  /** The boot under which it was begun. */
  readonly bootId: string;
  readonly end?: { readonly state: "failed" | "interrupted"; readonly sentence: string };
}

const schema: z.ZodType<RebootEntry> = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  bootId: z.string(),
  end: z.strictObject({ state: z.enum(["failed", "interrupted"]), sentence: z.string() }).exactOptional(),
});

export interface RebootJournal {
  /** `lost`: there is an entry, and nobody can read it. */
  readonly newest: RebootEntry | "lost" | undefined;
  /** Resolves when it is on disk. */
  write(entry: RebootEntry): Promise<void>;
}

/** A file of its own, so that an older agent, which knows nothing of it, can read everything that it knows of. */
export async function openRebootJournal(
  dataDir: string,
  write: WriteDurably = writeFileDurably,
): Promise<RebootJournal> {
  const path = join(dataDir, "agent", "reboot.json");
  const read = await readDocument(path, schema);
  let newest = read.kind === "ok" ? read.document : read.kind === "corrupt" ? ("lost" as const) : undefined;
  return {
    get newest() {
      return newest;
    },
    async write(entry) {
      await write(path, `${JSON.stringify(entry)}\n`);
      newest = entry;
    },
  };
}
