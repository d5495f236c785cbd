import { randomBytes } from "node:crypto";
import { Agent } from "undici";
import { askOnce, type LoadTarget } from "./ask-once.ts";
import { type LoadReport, LoadTally } from "./load-report.ts";

export interface LoadOptions {
  readonly targets: readonly LoadTarget[];
  readonly requestsPerSecond: number;
  /** A request without a whole answer by then has failed. */
  readonly timeoutMs?: number;
}

export interface Load {
  /** The counts so far. */
  report(): LoadReport;
  /** Safe to repeat. Sends nothing more, waits until every request has its outcome, and answers with the final counts. */
  stop(): Promise<LoadReport>;
}

/** Longer than any pause a switch may cause, shorter than what a person would wait. */
const timeoutMsDefault = 20_000;

/** Three of ten requests carry a body, spread evenly. */
const isPost = (index: number): boolean => index % 10 === 2 || index % 10 === 5 || index % 10 === 8;

const bodyBytes = 512;

/**
 * How long a kept connection may be idle. A proxy that drains ends those that have been idle for ten seconds, and who never tries
 * again, as we, loses a request on one that it has not yet seen ended.
 */
const idleMsMax = 4000;

/** How often due requests are sent; the pace itself is kept by counting. */
const tickMs = 5;

/**
 * Sends requests at a steady pace, whether or not earlier ones were answered: half on connections that are kept alive,
 * half each on a fresh one; three of ten a POST whose body has to come back. Nothing is ever retried.
 */
export function startLoad(options: LoadOptions): Load {
  const tally = new LoadTally();
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  const idle = { keepAliveTimeout: idleMsMax, keepAliveMaxTimeout: idleMsMax };
  const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connect: { timeout: timeoutMs }, ...idle };
  const kept = new Agent(limits);
  const fresh = new Agent(limits);
  const open = new Set<Promise<void>>();
  const startedMs = performance.now();
  let index = 0;
  let closing: Promise<unknown> | undefined;

  const sendOne = (): void => {
    const target = options.targets[index % options.targets.length];
    // Rounds over all targets alternate, so that every target sees both kinds of connections.
    const round = Math.floor(index / options.targets.length);
    const isFresh = round % 2 === 1;
    const body = isPost(round) ? randomBytes(bodyBytes) : undefined;
    index += 1;
    if (target === undefined) return;
    tally.countSent();
    const asked = askOnce(target, { dispatcher: isFresh ? fresh : kept, isFresh, body, timeoutMs })
      .then((outcome) => tally.count(outcome))
      .finally(() => open.delete(asked));
    open.add(asked);
  };

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * options.requestsPerSecond);
    while (index < due) sendOne();
  }, tickMs);

  return {
    report: () => tally.report(),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      closing ??= Promise.all([kept.close(), fresh.close()]);
      await closing;
      return tally.report();
    },
  };
}
