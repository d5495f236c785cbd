import { askWorker, askWorkers, readProcesses } from "./master-cli.ts";
import { cliWord } from "./switch-slots.ts";

/** A map of the newest worker that does not say what its file was written to say. */
export interface EditedMap {
  readonly path: string;
  /** What it says, as the lines of a file. */
  readonly found: string;
}

/**
 * Compares maps of the running process, entry by entry and in any order, with what they have to say: by path the text that was
 * written to their files. `expected` as in `askWorkers`. Rejects with `proxy-unreachable`.
 */
export async function editedMaps(
  masterSocket: string,
  wanted: ReadonlyMap<string, string>,
  expected?: number,
): Promise<readonly EditedMap[]> {
  const paths = [...wanted.keys()];
  if (paths.length === 0) return [];
  const asked = await askWorkers(
    masterSocket,
    paths.map((path) => `show map ${cliWord(path)}`),
    expected,
  );
  const newest = asked.processes.workers.find(({ old }) => !old);
  const answers = newest === undefined ? undefined : asked.answers.get(newest.pid);
  return paths.flatMap((path, at) => {
    const shown = parseEntries(answers?.[at]);
    if (shown === undefined || isSame(shown, entriesOf(wanted.get(path) ?? ""))) return [];
    return [{ path, found: shown.map(([key, value]) => `${key} ${value}\n`).join("") }];
  });
}

/** Makes the map of the running process say `text`, entry by entry: nobody meets one that is empty meanwhile. */
export async function restoreMap(masterSocket: string, path: string, text: string): Promise<void> {
  const worker = await newestWorker(masterSocket);
  if (worker === undefined) return;
  const tell = (command: string) => askWorker(masterSocket, worker, command);
  const shown = new Map(parseEntries(await tell(`show map ${cliWord(path)}`)) ?? []);
  const wanted = new Map(entriesOf(text));
  const map = cliWord(path);
  for (const [key, value] of wanted) {
    if (shown.get(key) === value) continue;
    await tell(`${shown.has(key) ? "set" : "add"} map ${map} ${cliWord(key)} ${cliWord(value)}`);
  }
  for (const key of shown.keys()) if (!wanted.has(key)) await tell(`del map ${map} ${cliWord(key)}`);
}

async function newestWorker(masterSocket: string): Promise<number | undefined> {
  const { workers } = await readProcesses(masterSocket);
  return workers.find(({ old }) => !old)?.pid;
}

type Entry = readonly [key: string, value: string];

/** Undefined when the process has no such map, or did not answer. */
function parseEntries(text: string | undefined): readonly Entry[] | undefined {
  if (text === undefined || text.startsWith("Unknown map")) return undefined;
  return text.split("\n").flatMap((line) => {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (.*)$/.exec(line.trim()) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
}

const entriesOf = (text: string): readonly Entry[] =>
  text.split("\n").flatMap((line) => {
    const at = line.indexOf(" ");
    return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });

/** Most often they come in the order of the file; else they are put in one. */
const isSame = (a: readonly Entry[], b: readonly Entry[]): boolean =>
  a.length === b.length &&
  (a.every(([key, value], at) => b[at]?.[0] === key && b[at][1] === value) || inOrder(a) === inOrder(b));

const inOrder = (entries: readonly Entry[]): string =>
  entries
    .map((entry) => entry.join(" "))
    .toSorted()
    .join("\n");
