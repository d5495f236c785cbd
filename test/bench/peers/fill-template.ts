import { readFile, writeFile } from "node:fs/promises";

export type TemplateValues = Readonly<Record<string, string | number>>;

/** Every `@NAME@` by its value. Throws for a name without one, and leaves everything else as it is. */
export function fillTemplate(text: string, values: TemplateValues): string {
  return text.replace(/@([A-Z_]+)@/g, (whole, name: string) => {
    // A comment tells what the marks are.
    if (name === "NAME") return whole;
    const value = values[name];
    if (value === undefined) throw new Error(`nothing to put in the place of ${whole}`);
    return String(value);
  });
}

export async function writeFilled(template: URL, path: string, values: TemplateValues): Promise<void> {
  await writeFile(path, fillTemplate(await readFile(template, "utf8"), values));
}
