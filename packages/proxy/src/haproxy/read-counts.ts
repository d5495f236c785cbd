import {
  type AccumulatedCounts,
  accumulate,
  parseTable,
  parseUnreachable,
  type WorkerCounts,
  workerName,
} from "./accumulated-counts.ts";
import type { CountsFile } from "./counts-file.ts";
import { askWorkers, infoValue, parseStats } from "./master-cli.ts";

const questions = ["show info", "show table counts", "show table refused", "unreachable counts", "show stat -1 1 -1"];

/**
 * Reads the counts of all workers and writes those of users down before anybody sees them. So whoever reads next, be it after a
 * restart, has at least as much, and no worker is counted twice. One reading at a time. `expected` as in `readStatus`.
 */
export async function readCounts(
  masterSocket: string,
  file: CountsFile,
  expected?: number,
): Promise<AccumulatedCounts> {
  const [before, asked] = await Promise.all([file.read(), askWorkers(masterSocket, questions, expected)]);
  const counts = accumulate(before, readingsOf(asked.answers));
  await file.write(counts);
  return counts;
}

function readingsOf(answers: ReadonlyMap<number, readonly string[]>): Record<string, WorkerCounts> {
  const readings: Record<string, WorkerCounts> = {};
  for (const [pid, [info = "", counts = "", refused = "", unreachable = "", stats = ""]] of answers) {
    const start = infoValue(info, "Start_time_sec");
    // The master answers in place of a worker that has just gone: that it does not know it.
    if (start === undefined) continue;
    const rejected = parseTable(refused);
    const unread = parseStats(stats, "ereq").reduce((sum, { ereq }) => sum + Number(ereq || 0), 0);
    readings[workerName(pid, Number(start) * 1000)] = {
      answers: parseTable(counts),
      unreachable: parseUnreachable(unreachable),
      refused: { ...rejected, malformed: (rejected["malformed"] ?? 0) + unread },
    };
  }
  return readings;
}
