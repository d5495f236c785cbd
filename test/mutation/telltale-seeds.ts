import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const file = join(import.meta.dirname, "mutations/telltale-seeds.json");

/**
 * Seeds of histories that showed a mutation, by its name. They are a short cut and no more: a mutation that its seed no longer
 * shows is looked for in all histories.
 */
export const readTelltaleSeeds = async (): Promise<Record<string, number>> => JSON.parse(await readFile(file, "utf8"));

export async function writeTelltaleSeeds(seeds: Readonly<Record<string, number>>): Promise<void> {
  const sorted = Object.entries(seeds).toSorted(([a], [b]) => a.localeCompare(b));
  await writeFile(file, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}
