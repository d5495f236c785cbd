import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably } from "@sluice/runtime/files/durable-file";
import { stampOf } from "../keeper/process-stamp.ts";

/** A process that nothing else is mistaken for. */
export interface StampedProcess {
  readonly pid: number;
  readonly stamp: string;
}

/** What the watchdog of a host keeps on record, in `DIR/agent/watchdog.json`; written by nobody else. */
export interface WatchdogRecord {
  readonly watchdog: StampedProcess | undefined;
  readonly agent: StampedProcess | undefined;
  /** By grant: why a trial is over. The agent reads it, and so does the next watchdog. */
  readonly ends: Readonly<Record<string, { readonly reason: string; readonly atMs: number }>>;
  /** The last program that was ended because it gave no sign of life. */
  readonly hang: Hang | undefined;
  /** Programs that have given signs of life, the last to begin with it at the end: each is expected to give one after every start. */
  readonly signing: readonly string[];
}

export interface Hang {
  readonly atMs: number;
  readonly silentMs: number;
  /** It had given none since it was started. */
  readonly isFirst: boolean;
}

/** What is to be started, of `DIR/agent/program.json`. The agent writes it; see core's `ProgramFile`. */
export interface ProgramWord {
  readonly proven: ProgramFiles | undefined;
  readonly trial: (ProgramFiles & Trial) | undefined;
}

export interface ProgramFiles {
  readonly digest: string;
  /** Absent: what was installed by hand. */
  readonly files: { readonly artifact: string; readonly entry: string } | undefined;
}

interface Trial {
  readonly grant: string;
  readonly confirmByMs: number;
  readonly isReported: boolean;
}

/** Ends of trials that are kept: agents read each within moments. */
const endsMax = 20;
/** More than can be proven, on trial and installed by hand on one host. */
const signingMax = 20;

const pathOf = (dataDir: string, name: string): string => join(dataDir, "agent", name);

/** A file that is not there, or not to be understood, is as good as none: then the program that was installed is started. */
function read(path: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function readProgram(dataDir: string): ProgramWord {
  const { proven, trial } = read(pathOf(dataDir, "program.json"));
  return { proven: asProgram(proven), trial: asTrial(trial) };
}

function asProgram(value: unknown): ProgramFiles | undefined {
  if (!isRecord(value) || typeof value["digest"] !== "string") return undefined;
  const { digest, files } = value;
  if (files === undefined) return { digest, files };
  if (!isRecord(files)) return undefined;
  const { artifact, entry } = files;
  if (typeof artifact !== "string" || !/^sha256:[0-9a-f]{64}$/.test(artifact)) return undefined;
  return typeof entry === "string" && isInside(entry) ? { digest, files: { artifact, entry } } : undefined;
}

/** The entry is a file of the program, never one beside it. */
const isInside = (entry: string): boolean => !entry.startsWith("/") && !entry.split("/").includes("..");

function asTrial(value: unknown): ProgramWord["trial"] {
  const program = asProgram(value);
  if (program === undefined || !isRecord(value)) return undefined;
  const { grant, confirmBy, isReported } = value;
  if (typeof grant !== "string" || typeof confirmBy !== "number") return undefined;
  return { ...program, grant, confirmByMs: confirmBy, isReported: isReported === true };
}

export function readRecord(dataDir: string): WatchdogRecord {
  const { watchdog, agent, ends, hang, signing } = read(pathOf(dataDir, "watchdog.json"));
  return {
    watchdog: asProcess(watchdog),
    agent: asProcess(agent),
    ends: isRecord(ends) ? (ends as WatchdogRecord["ends"]) : {},
    hang: asHang(hang),
    signing: Array.isArray(signing) ? signing.filter((one) => typeof one === "string") : [],
  };
}

function asHang(value: unknown): Hang | undefined {
  if (!isRecord(value)) return undefined;
  const { atMs, silentMs, isFirst } = value;
  if (typeof atMs !== "number" || typeof silentMs !== "number") return undefined;
  return { atMs, silentMs, isFirst: isFirst === true };
}

export async function writeRecord(dataDir: string, record: WatchdogRecord): Promise<void> {
  mkdirSync(join(dataDir, "agent"), { recursive: true, mode: 0o700 });
  const ends = Object.fromEntries(Object.entries(record.ends).slice(-endsMax));
  const signing = record.signing.slice(-signingMax);
  await writeFileDurably(pathOf(dataDir, "watchdog.json"), `${JSON.stringify({ ...record, ends, signing })}\n`);
}

function asProcess(value: unknown): StampedProcess | undefined {
  if (!isRecord(value)) return undefined;
  const { pid, stamp } = value;
  return typeof pid === "number" && typeof stamp === "string" ? { pid, stamp } : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Undefined when there is no such process any more. */
export function stamped(pid: number): StampedProcess | undefined {
  const stamp = stampOf(pid);
  return stamp === undefined ? undefined : { pid, stamp };
}

/** Whether this very process still runs. */
export const isAlive = (one: StampedProcess | undefined): one is StampedProcess =>
  one !== undefined && stampOf(one.pid) === one.stamp;
