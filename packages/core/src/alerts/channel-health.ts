import { after, type DurationMs, durationMs, type Instant, minutes, seconds } from "../units/time.ts";

/** How a channel has done lately; kept over restarts. */
export interface ChannelHealth {
  readonly channel: string;
  /** When it last took a message. */
  readonly workedAt?: Instant;
  /** Failures in a row since then, the newest in words, and when it is tried again. */
  readonly failing?: {
    readonly since: Instant;
    readonly failures: number;
    readonly sentence: string;
    readonly retryAt: Instant;
  };
}

const firstRetryMs = seconds(5);
/** A receiver that was restarted is met again within this. */
const lastRetryMs = minutes(5);

/** Five seconds, twice as long each time, five minutes at most; later where the receiver asks for it. */
export function retryAfterMs(failures: number, askedMs?: DurationMs): DurationMs {
  const backOff = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(16, Math.max(0, failures - 1)));
  return durationMs(Math.min(minutes(60), Math.max(backOff, askedMs ?? 0)));
}

/** How a channel stands after an attempt. */
export function afterAttempt(
  before: ChannelHealth,
  outcome: { readonly failure?: string; readonly retryAfterMs?: DurationMs },
  now: Instant,
): ChannelHealth {
  const { channel, workedAt, failing } = before;
  if (outcome.failure === undefined) return { channel, workedAt: now };
  const failures = (failing?.failures ?? 0) + 1;
  return {
    channel,
    ...(workedAt === undefined ? {} : { workedAt }),
    failing: {
      since: failing?.since ?? now,
      failures,
      sentence: outcome.failure,
      retryAt: after(now, retryAfterMs(failures, outcome.retryAfterMs)),
    },
  };
}
