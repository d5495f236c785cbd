/**
 * Runs `work` once per key, however many ask for it meanwhile. Each may give up through its own signal;
 * the work itself is given up when all of them have.
 */
export function createSharedWork<T>(): (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T> {
  const underWay = new Map<string, Shared<T>>();
  return async (key, signal, work) => {
    signal.throwIfAborted();
    let shared = underWay.get(key);
    if (shared === undefined || shared.giveUp.signal.aborted) {
      const begun = begin(work, shared?.promise);
      underWay.set(key, begun);
      begun.promise
        .finally(() => {
          if (underWay.get(key) === begun) underWay.delete(key);
        })
        .catch(() => undefined);
      shared = begun;
    }
    return wait(shared, signal);
  };
}

interface Shared<T> {
  readonly promise: Promise<T>;
  readonly giveUp: AbortController;
  waiting: number;
}

/** Begins once what was given up before has ended: the two would write to the same place. */
function begin<T>(work: (signal: AbortSignal) => Promise<T>, before: Promise<T> | undefined): Shared<T> {
  const giveUp = new AbortController();
  const promise = Promise.resolve(before)
    .catch(() => undefined)
    .then(() => work(giveUp.signal));
  return { promise, giveUp, waiting: 0 };
}

async function wait<T>(shared: Shared<T>, signal: AbortSignal): Promise<T> {
  shared.waiting += 1;
  const gaveUp = Promise.withResolvers<never>();
  const abort = () => gaveUp.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([shared.promise, gaveUp.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    shared.waiting -= 1;
    if (shared.waiting === 0) shared.giveUp.abort(new Error("nobody waits for it any more"));
  }
}
