import { connect } from "node:net";
import { Problem } from "@sluice/core/problems/problem";

/** A process that answers at all answers within milliseconds. */
const answerMsMax = 5000;

export interface Worker {
  readonly pid: number;
  /** Of a worker from before the last reload: it only finishes what it has. */
  readonly old: boolean;
}

export interface Processes {
  readonly masterPid: number;
  /** Workers of now first. */
  readonly workers: readonly Worker[];
  /** Reloads that failed since the last good one. */
  readonly failedReloads: number;
}

/** Asks the master one thing; resolves with all it says. Rejects with `proxy-unreachable`. */
export function askMaster(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(socketPath);
    const fail = (cause: Error): void => {
      reject(new Problem("proxy-unreachable", `cannot reach haproxy at ${socketPath}`, { cause }));
    };
    socket.setTimeout(answerMsMax, () => socket.destroy(new Error(`no answer within ${answerMsMax} ms`)));
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", fail);
    socket.on("end", () => resolve(answer));
    socket.on("close", () => fail(new Error("the connection broke off")));
    socket.end(`${command}\n`);
  });
}

/** Asks one worker, an old one too. */
export const askWorker = (socketPath: string, pid: number, command: string): Promise<string> =>
  askMaster(socketPath, toWorker(pid, command));

/** The prefix holds for one command. */
const toWorker = (pid: number, command: string): string => `@!${pid} ${command}`;

export interface WorkerAnswers {
  readonly processes: Processes;
  /** By pid, in the order of the questions; a worker that has ended meanwhile has none. */
  readonly answers: ReadonlyMap<number, readonly string[]>;
}

/**
 * Asks every worker the same questions. With `expected`, the pid of the only worker there was before, one connection does for a
 * process at rest. Rejects with `proxy-unreachable`, also when a worker is there and does not answer everything.
 */
export async function askWorkers(
  socketPath: string,
  questions: readonly string[],
  expected?: number,
): Promise<WorkerAnswers> {
  const first = expected === undefined ? [] : questions.map((question) => toWorker(expected, question));
  const [listed = "", ...early] = splitAnswers(await askMaster(socketPath, ["show proc", ...first].join("; ")));
  const processes = parseProcesses(listed);
  const answers = new Map<number, readonly string[]>();
  for (const { pid } of processes.workers) {
    const complete = pid === expected && early.length === questions.length;
    const all = complete ? early : await askOneWorker(socketPath, pid, questions);
    if (all !== undefined) answers.set(pid, all);
  }
  return { processes, answers };
}

/** Undefined when it has ended. */
async function askOneWorker(
  socketPath: string,
  pid: number,
  questions: readonly string[],
): Promise<readonly string[] | undefined> {
  const commands = questions.map((question) => toWorker(pid, question)).join("; ");
  const answers = await askMaster(socketPath, commands).then(splitAnswers, (cause: unknown) => ({ cause }));
  if ("length" in answers && answers.length === questions.length) return answers;
  const { workers } = await readProcesses(socketPath);
  if (!workers.some((worker) => worker.pid === pid)) return undefined;
  const cause = "cause" in answers ? { cause: answers.cause } : {};
  throw new Problem(
    "proxy-unreachable",
    `haproxy worker ${pid} at ${socketPath} does not answer all it is asked`,
    cause,
  );
}

/** Each answer ends with an empty line; one that says nothing is that line alone. */
export function splitAnswers(text: string): readonly string[] {
  const answers: string[] = [];
  for (let from = 0; from < text.length; ) {
    const isEmpty = text.startsWith("\n", from);
    const end = isEmpty ? from : text.indexOf("\n\n", from);
    // One that was cut off is no answer.
    if (end === -1) break;
    answers.push(text.slice(from, end));
    from = end + (isEmpty ? 1 : 2);
  }
  return answers;
}

/** The master and its workers, as the master sees them. */
export async function readProcesses(socketPath: string): Promise<Processes> {
  return parseProcesses(await askMaster(socketPath, "show proc"));
}

export function parseProcesses(text: string): Processes {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  const oldFrom = rows.findIndex(([mark, word]) => mark === "#" && word === "old");
  const master = rows.find(([, kind]) => kind === "master");
  const workers = rows.flatMap(([pid, kind], at): Worker[] =>
    kind === "worker" && /^\d+$/.test(pid ?? "") ? [{ pid: Number(pid), old: oldFrom !== -1 && at > oldFrom }] : [],
  );
  const failed = /\[failed: (\d+)\]/.exec(text)?.[1];
  return {
    masterPid: Number(master?.[0] ?? 0),
    workers: workers.toSorted((a, b) => Number(a.old) - Number(b.old)),
    failedReloads: Number(failed ?? 0),
  };
}

/** Of the seventy `Name: value` lines of `show info` the value of this one. */
export function infoValue(text: string, name: string): string | undefined {
  const key = `${name}: `;
  const at = text.startsWith(key) ? -1 : text.indexOf(`\n${key}`);
  if (at === -1 && !text.startsWith(key)) return undefined;
  const from = at + 1 + key.length;
  const end = text.indexOf("\n", from);
  return text.slice(from, end === -1 ? undefined : end).trim();
}

/** Every process of one version says the same head, and hundreds of them are read in a minute. */
let known = { head: "", columns: [""] };

function columnsOf(head: string): readonly string[] {
  if (head !== known.head) known = { head, columns: head.replace(/^# /, "").split(",") };
  return known.columns;
}

/** Of the hundred columns of `show stat` these, row by row; empty where there is none of that name. */
export function parseStats<Column extends string>(
  text: string,
  ...columns: readonly Column[]
): readonly Readonly<Record<Column, string>>[] {
  const [head = "", ...rows] = text.split("\n").filter((line) => line.trim() !== "");
  const names = columnsOf(head);
  const places = columns.map((column) => [column, names.indexOf(column)] as const);
  const columnsMax = Math.max(...places.map(([, at]) => at)) + 1;
  return rows.map((row) => {
    const values = row.split(",", columnsMax);
    return Object.fromEntries(places.map(([column, at]) => [column, values[at] ?? ""])) as Record<Column, string>;
  });
}
