import {
  type AccumulatedCounts,
  accumulate,
  parseTable,
  parseUnreachable,
  type WorkerCounts,
  workerName,
} from "./accumulated-counts.ts";
import { readCountsFile, writeCountsFile } from "./counts-file.ts";
import { askWorker, parseInfo, parseStats, readProcesses } from "./master-cli.ts";
import type { ProcessFiles } from "./process-files.ts";

/**
 * Reads the counts of all workers and writes them down before anybody sees them. So whoever reads next, be it after a restart,
 * has at least as much, and no worker is counted twice. One reading at a time.
 */
export async function readCounts(files: ProcessFiles): Promise<AccumulatedCounts> {
  const [before, readings] = await Promise.all([readCountsFile(files.counts), readWorkers(files.masterSocket)]);
  const counts = accumulate(before, readings);
  await writeCountsFile(files.counts, counts);
  return counts;
}

async function readWorkers(masterSocket: string): Promise<Record<string, WorkerCounts>> {
  const readings: Record<string, WorkerCounts> = {};
  const { workers } = await readProcesses(masterSocket);
  for (const { pid } of workers) {
    const reading = await readWorker(masterSocket, pid).catch(async (error: unknown) => {
      const { workers: left } = await readProcesses(masterSocket);
      if (left.some((worker) => worker.pid === pid)) throw error;
      return undefined;
    });
    if (reading !== undefined) readings[reading.worker] = reading.counts;
  }
  return readings;
}

async function readWorker(
  masterSocket: string,
  pid: number,
): Promise<{ readonly worker: string; readonly counts: WorkerCounts } | undefined> {
  const [info, answers, refused, unreachable, stats] = await Promise.all(
    ["show info", "show table counts", "show table refused", "unreachable counts", "show stat -1 1 -1"].map(
      (question) => askWorker(masterSocket, pid, question),
    ),
  );
  const start = parseInfo(info ?? "").get("Start_time_sec");
  // A worker that has just gone: the master answers for it that it does not know it.
  if (start === undefined) return undefined;
  const rejected = parseTable(refused ?? "");
  const unread = parseStats(stats ?? "").reduce((sum, row) => sum + Number(row.get("ereq") || 0), 0);
  return {
    worker: workerName(pid, Number(start) * 1000),
    counts: {
      answers: parseTable(answers ?? ""),
      unreachable: parseUnreachable(unreachable ?? ""),
      refused: { ...rejected, malformed: (rejected["malformed"] ?? 0) + unread },
    },
  };
}
