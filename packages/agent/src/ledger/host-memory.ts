import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Intent } from "@sluice/core";
import { intentSchema } from "@sluice/core/intent/intent-schema";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { readDocument, sha256Text, writeFileDurably } from "@sluice/runtime";
import { digestWords } from "../drift/digest-words.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import { emptyLedger, type Ledger, ledgerSchema } from "./ledger.ts";

/** Writes a document so that it is whole after a crash; rejects with `disk-full` and leaves the old one. */
export type WriteDurably = (path: string, text: string) => Promise<void>;

export interface HostMemoryOptions {
  readonly dataDir: string;
  readonly write?: WriteDurably;
}

/** Ledger and intent of one host: in memory as they are on disk, never ahead of it. */
export interface HostMemory {
  readonly ledger: Ledger;
  readonly intent: Intent | undefined;
  /** What was found unreadable when the memory was opened, in sentences. */
  readonly corrupt: readonly string[];
  /** The ledger could not be read: what was activated is unknown, so nothing may be switched before the coordinator speaks. */
  readonly ledgerLost: boolean;
  /** Changes one after another; resolves when the change is on disk, rejects and changes nothing when it can't be written. */
  update(change: (ledger: Ledger) => Ledger): Promise<void>;
  putIntent(intent: Intent): Promise<void>;
  /** Files that do not say what the memory says, whoever changed them. What is healed is written anew from the memory. */
  edited(): Promise<readonly FoundDrift[]>;
}

/** Reads what an earlier agent left; a corrupt file is set aside as `.corrupt` and reported, never guessed at. */
export async function openHostMemory(options: HostMemoryOptions): Promise<HostMemory> {
  const { dataDir, write = writeFileDurably } = options;
  const folder = join(dataDir, "agent");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = { ledger: join(folder, "ledger.json"), intent: join(folder, "intent.json") };
  const ledger = await readDocument(paths.ledger, ledgerSchema);
  const intent = await readIntent(paths.intent);
  const corrupt = [ledger, intent].flatMap((read) => (read.kind === "corrupt" ? [read.why] : []));
  if (ledger.kind === "corrupt") await setAside(paths.ledger);
  if (intent.kind === "corrupt") await setAside(paths.intent);
  // A ledger that is gone while its intent is there was lost, not never written.
  const ledgerLost = ledger.kind === "corrupt" || (ledger.kind === "absent" && intent.kind !== "absent");
  return new FileMemory({
    paths,
    write,
    corrupt,
    ledgerLost,
    ledger: ledger.kind === "ok" ? ledger.document : emptyLedger,
    intent: intent.kind === "ok" ? intent.document : undefined,
  });
}

async function readIntent(path: string) {
  const read = await readDocument(path, intentSchema);
  if (read.kind !== "ok" || sha256Text(canonicalJson(read.document.body)) === read.document.digest) return read;
  return { kind: "corrupt", why: `cannot use file '${path}': its digest does not match its content` } as const;
}

async function setAside(path: string): Promise<void> {
  await rename(path, `${path}.corrupt`).catch(() => undefined);
}

interface FileMemoryStart {
  readonly paths: { readonly ledger: string; readonly intent: string };
  readonly write: WriteDurably;
  readonly corrupt: readonly string[];
  readonly ledgerLost: boolean;
  readonly ledger: Ledger;
  readonly intent: Intent | undefined;
}

class FileMemory implements HostMemory {
  readonly corrupt: readonly string[];
  readonly ledgerLost: boolean;
  readonly #start: FileMemoryStart;
  #ledger: Ledger;
  #intent: Intent | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(start: FileMemoryStart) {
    this.corrupt = start.corrupt;
    this.ledgerLost = start.ledgerLost;
    this.#start = start;
    this.#ledger = start.ledger;
    this.#intent = start.intent;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get intent(): Intent | undefined {
    return this.#intent;
  }

  update(change: (ledger: Ledger) => Ledger): Promise<void> {
    return this.#inTurn(async () => {
      const next = change(this.#ledger);
      if (next === this.#ledger) return;
      await this.#start.write(this.#start.paths.ledger, textOf(next));
      this.#ledger = next;
    });
  }

  putIntent(intent: Intent): Promise<void> {
    return this.#inTurn(async () => {
      await this.#start.write(this.#start.paths.intent, textOf(intent));
      this.#intent = intent;
    });
  }

  edited(): Promise<readonly FoundDrift[]> {
    const { ledger, intent } = this.#start.paths;
    return this.#inTurn(async () => [
      ...(await this.#compare(ledger, () => (this.#ledger === emptyLedger ? undefined : this.#ledger))),
      ...(await this.#compare(intent, () => this.#intent)),
    ]);
  }

  async #compare(path: string, remembered: () => Ledger | Intent | undefined): Promise<readonly FoundDrift[]> {
    const known = remembered();
    if (known === undefined) return [];
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined && says(text, known)) return [];
    const heal = () => this.#inTurn(() => this.#start.write(path, `${JSON.stringify(remembered())}\n`));
    const expected = digestWords(sha256Text(textOf(known)));
    const found = digestWords(text === undefined ? undefined : sha256Text(text));
    return [{ kind: "state-edited", about: "host", where: path, expected, found, heal }];
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

const textOf = (document: Ledger | Intent): string => `${JSON.stringify(document)}\n`;

/** Spaces and the order of keys are nothing to speak of. */
function says(text: string, document: Ledger | Intent): boolean {
  // As it was written last, which is all but always: nothing has to be taken apart.
  if (text === textOf(document)) return true;
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(document);
  } catch {
    return false;
  }
}
