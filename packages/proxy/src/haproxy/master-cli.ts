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

/** Asks one worker, an old one too. The prefix holds for one command, so each has a connection of its own. */
export const askWorker = (socketPath: string, pid: number, command: string): Promise<string> =>
  askMaster(socketPath, `@!${pid} ${command}`);

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

/** `Name: value` lines, as `show info` answers. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(": ");
    return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 2).trim()]];
  });
  return new Map(lines);
}

/** Rows of `show stat` by column name. */
export function parseStats(text: string): readonly ReadonlyMap<string, string>[] {
  const [head = "", ...rows] = text.split("\n").filter((line) => line.trim() !== "");
  const names = head.replace(/^# /, "").split(",");
  return rows.map((row) => new Map(row.split(",").map((value, at) => [names[at] ?? "", value])));
}
