import { Worker } from "node:worker_threads";

/** How rollouts ended and what activations and hosts went through, counted over many histories. */
export interface Played {
  readonly histories: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly reached: Readonly<Record<string, number>>;
  /** The first seed of those played that breaks a promise; none is begun after it. */
  readonly broken?: { readonly seed: number; readonly promise: string };
}

export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** Seeds that a worker plays before it asks for more: some seconds at most, for one large fleet among them. */
const chunkSeeds = 20;

/**
 * Plays the histories of all seeds on so many threads. A history depends on nothing but its seed, so that it is the same on
 * whatever thread and beside whatever others.
 */
export async function playSeeds({ first, last }: SeedRange, threads: number): Promise<Played> {
  const sums = { histories: 0, ended: {}, reached: {} };
  const broken: NonNullable<Played["broken"]>[] = [];
  let next = first;
  const nextChunk = (): SeedRange | undefined => {
    if (next > last || broken.length > 0) return undefined;
    const chunk = { first: next, last: Math.min(last, next + chunkSeeds - 1) };
    next = chunk.last + 1;
    return chunk;
  };
  const take = (played: Played): void => {
    sums.histories += played.histories;
    addTo(sums.ended, played.ended);
    addTo(sums.reached, played.reached);
    if (played.broken !== undefined) broken.push(played.broken);
  };
  await Promise.all(Array.from({ length: threads }, () => work(nextChunk, take)));
  const [lowest] = broken.sort((a, b) => a.seed - b.seed);
  return lowest === undefined ? sums : { ...sums, broken: lowest };
}

/** Histories make much that is soon forgotten: with more room for it less is looked through. */
const youngMb = 64;

/** One thread, for as long as there is something to play. */
async function work(nextChunk: () => SeedRange | undefined, take: (played: Played) => void): Promise<void> {
  const worker = new Worker(new URL("./play-seeds-worker.ts", import.meta.url), {
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
  });
  const failed = Promise.withResolvers<never>();
  worker.once("error", failed.reject);
  try {
    for (let chunk = nextChunk(); chunk !== undefined; chunk = nextChunk()) {
      const answer = new Promise<Played>((resolve) => worker.once("message", resolve));
      worker.postMessage(chunk);
      take(await Promise.race([answer, failed.promise]));
    }
  } finally {
    await worker.terminate();
  }
}

/** Adds counts to those so far. */
export function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
