import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import { parseSlotTable } from "../settings/process-settings.ts";

/** What a proxy process was ordered, so that a respawn resumes exactly that. */
export interface ProxyState {
  readonly accepting: boolean;
  readonly slots: SlotTable;
}

const initial: ProxyState = { accepting: false, slots: { live: "hold" } };

/**
 * Reads what was ordered. A file that can't be read is not guessed at: whether users belonged to this process is as
 * unknown as where they would go, and two processes that both accept would lead users to two releases. Connections
 * meanwhile wait in the listening socket, or are served by whoever accepts; the agent orders what is right, as it does
 * for a process without a state. Writing is atomic, so this takes a broken disk or a hand in the folder.
 */
export function readProxyState(file: string): { readonly state: ProxyState; readonly remark?: string } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { state: initial };
    return corrupt(file);
  }
  try {
    return parseState(JSON.parse(text)) ?? corrupt(file);
  } catch {
    return corrupt(file);
  }
}

/** Durable when it resolves: temp file, fsync, rename, fsync of the folder. One call at a time. */
export async function writeProxyState(file: string, state: ProxyState): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    await using written = await open(temporary, "w", 0o600);
    await written.writeFile(`${JSON.stringify(state)}\n`);
    await written.sync();
    await rename(temporary, file);
    await using folder = await open(dirname(file), "r");
    await folder.sync();
  } catch (cause) {
    throw new Problem("disk-full", `cannot write proxy state ${file}; the order is not in force`, { cause });
  }
}

function corrupt(file: string): { readonly state: ProxyState; readonly remark: string } {
  const remark = `state file ${file} is corrupt; not accepting until the agent says so and which slot is live`;
  return { state: initial, remark };
}

function parseState(value: unknown): { readonly state: ProxyState } | undefined {
  if (typeof value !== "object" || value === null || !("accepting" in value) || !("slots" in value)) return undefined;
  const slots = parseSlotTable(value.slots);
  if (typeof value.accepting !== "boolean" || !("table" in slots)) return undefined;
  return { state: { accepting: value.accepting, slots: slots.table } };
}
