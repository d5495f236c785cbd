import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Address, Problem } from "@sluice/core";

/** A URL or token is a line, not a document. */
const secretBytesMax = 4096;

/**
 * The folder `secrets` of the coordinator's data folder: the only place that the fleet file may name files in, so that
 * whoever may apply it can't have other files read and sent away. Read with every use, so that a secret can be replaced.
 */
export class Secrets {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "secrets");
  }

  /** Its content without white space around it. Throws a problem that never has the content in it. */
  async read(name: string): Promise<string> {
    const text = await this.#textOf(name);
    if (text === "" || /[\r\n\0]/.test(text)) {
      throw new Problem("usage-invalid", `the file '${name}' in the folder of secrets is not one line of text`);
    }
    return text;
  }

  async url(address: Address): Promise<URL> {
    if ("url" in address) return new URL(address.url);
    const text = await this.read(address.urlFile);
    if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text);
    throw new Problem(
      "usage-invalid",
      `the file '${address.urlFile}' in the folder of secrets is no http or https URL`,
    );
  }

  async #textOf(name: string): Promise<string> {
    try {
      await using file = await open(join(this.#folder, name), "r");
      const { buffer, bytesRead } = await file.read(Buffer.alloc(secretBytesMax), 0, secretBytesMax, 0);
      return buffer.toString("utf8", 0, bytesRead).trim();
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
      throw new Problem("usage-invalid", `cannot read the file '${name}' in the folder of secrets${code}`, { cause });
    }
  }
}
