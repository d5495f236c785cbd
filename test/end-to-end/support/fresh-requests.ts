import { get, type IncomingMessage } from "node:http";

/** One request on a connection of its own, with the times that tell whether something happened before, during or after it. */
export interface Exchange {
  readonly way: string;
  readonly sentAt: number;
  readonly endedAt: number;
  /** Why there was no right answer; undefined when there was. */
  readonly failure: string | undefined;
}

export interface Way {
  readonly name: string;
  readonly port: number;
  readonly hostName: string;
}

export interface FreshRequests {
  readonly ended: readonly Exchange[];
  /** Sends nothing more and resolves when every request has ended. */
  stop(): Promise<readonly Exchange[]>;
}

const everyMs = 10;
const withinMs = 20_000;

/** Asks over every way in turn, each time on a new connection, whether or not earlier requests were answered. */
export function startFreshRequests(ways: readonly Way[]): FreshRequests {
  const ended: Exchange[] = [];
  const open = new Set<Promise<void>>();
  let index = 0;
  const timer = setInterval(() => {
    const way = ways[index % ways.length];
    index += 1;
    if (way === undefined) return;
    const asked = exchange(way).then((one) => {
      ended.push(one);
      open.delete(asked);
    });
    open.add(asked);
  }, everyMs);
  return {
    ended,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return ended;
    },
  };
}

async function exchange(way: Way): Promise<Exchange> {
  const sentAt = performance.now();
  const failure = await ask(way, "/")
    .then(
      async (response) => {
        await response.toArray();
        return response.statusCode === 200 ? undefined : `answered ${response.statusCode}`;
      },
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    .catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  return { way: way.name, sentAt, endedAt: performance.now(), failure };
}

/** A GET on a connection of its own; resolves when the head of the answer is there. */
export function ask({ port, hostName }: Way, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, headers: { host: hostName }, agent: false };
    get({ ...options, signal: AbortSignal.timeout(withinMs) }, resolve).on("error", reject);
  });
}
