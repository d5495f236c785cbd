import { stat } from "node:fs/promises";

/** What is changed by hand deeper down in the folder is noticed after this long. */
const trustedMs = 30_000;

/** Remembers what was found below a folder until its entries change, we change something ourselves, or some time has passed. */
export class FolderLookup<T> {
  readonly #folder: string;
  readonly #find: () => Promise<T>;
  #found: { readonly stamp: string; readonly at: number; readonly value: T } | undefined;
  #forgotten = 0;

  constructor(folder: string, find: () => Promise<T>) {
    this.#folder = folder;
    this.#find = find;
  }

  async get(): Promise<T> {
    const stamp = await stampOfFolder(this.#folder);
    const known = this.#found;
    if (known?.stamp === stamp && performance.now() - known.at < trustedMs) return known.value;
    const forgotten = this.#forgotten;
    const at = performance.now();
    const value = await this.#find();
    if (forgotten === this.#forgotten) this.#found = { stamp, at, value };
    return value;
  }

  /** To be called after every change of our own. */
  forget(): void {
    this.#forgotten += 1;
    this.#found = undefined;
  }
}

async function stampOfFolder(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? "absent" : `${found.ino}:${found.mtimeNs}`;
}
