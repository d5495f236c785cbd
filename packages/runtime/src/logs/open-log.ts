import { type DestinationStream, destination, type Level, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;

export interface LogOptions {
  /** The program: `agent`, `coordinator`, `proxy shop`. */
  readonly name: string;
  readonly level?: Level | "silent";
  /** A file path (appended to), or a stream; standard output when absent. */
  readonly destination?: string | DestinationStream;
}

/** One event a line as JSON, with ISO time. Lines are written at once, so that none is lost when the process dies. */
export function openLog(options: LogOptions): Log {
  const target =
    options.destination === undefined || typeof options.destination === "string"
      ? destination({ dest: options.destination ?? 1, sync: true, append: true, mkdir: true, mode: 0o600 })
      : options.destination;
  return pino(
    {
      name: options.name,
      level: options.level ?? "info",
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
}
