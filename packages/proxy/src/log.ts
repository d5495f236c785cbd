/** pino's numbers, so that its tools read these lines. */
const levels = { info: 30, warn: 40, error: 50 } as const;

/**
 * One event a line on stdout, in pino's format. Not pino itself: loading it would make up a good part of the time a
 * proxy needs from spawn to accepting, for the handful of lines it writes in its life.
 */
export function log(level: keyof typeof levels, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(
    `${JSON.stringify({ level: levels[level], time: Date.now(), pid: process.pid, msg: event, ...fields })}\n`,
  );
}
