import { setTimeout as delay } from "node:timers/promises";

export interface EventuallyOptions {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/** Beyond the minute that an agent may let pass before it asks a coordinator again; only a defect waits so long. */
const withinMsDefault = 120_000;
const everyMsDefault = 50;

/**
 * Looks again and again until `look` answers with something, and answers with that. Rejects when the time is up, with what the
 * last look threw as its cause.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs = withinMsDefault, everyMs = everyMsDefault }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(everyMs);
  }
  throw new Error(`${what}: did not happen within ${withinMs} ms`, { cause });
}
