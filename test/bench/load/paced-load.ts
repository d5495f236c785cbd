import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface PacedLoadOptions {
  /** Asked in turn, as `localhost` unless one says otherwise. */
  readonly targets: readonly PacedTarget[];
  readonly requestsPerSecond: number;
  readonly clients: number;
}

export interface PacedTarget {
  readonly port: number;
  readonly hostName: string;
}

/** What became of the requests: each is sent once, none is sent again. */
export interface PacedReport {
  readonly sent: number;
  readonly failed: number;
  /** How often each kind of failure came, by its words. */
  readonly failures: Readonly<Record<string, number>>;
  /** From when a request was due until its whole answer was there; right answers only, as below. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From when it was sent. */
  readonly slowestMs: number;
  /** From when it was due until it was sent: beyond some milliseconds the machine, or what it asks, is too slow for the pace. */
  readonly longestWaitMs: number;
}

export interface PacedLoad {
  /** Lets what is under way end, then says how it went. */
  stop(): Promise<PacedReport>;
}

/** Half of the requests on a connection of their own, three of ten a POST. Runs in a thread of its own. */
export async function startPacedLoad(options: PacedLoadOptions): Promise<PacedLoad> {
  const worker = new Worker(new URL("paced-load-worker.ts", import.meta.url), { workerData: options });
  const failed = once(worker, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => undefined);
  await Promise.race([once(worker, "message"), failed]);
  return {
    async stop() {
      const reported = once(worker, "message");
      worker.postMessage("stop");
      const [report]: PacedReport[] = await Promise.race([reported, failed]);
      await worker.terminate();
      if (report === undefined) throw new Error("the load ended without a report");
      return report;
    },
  };
}
