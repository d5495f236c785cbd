import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ProgramFile, UnitRelease } from "@sluice/core";
import { programFileSchema } from "@sluice/core/agents/agent-change-schema";
import { agentRelease, isAgentProgram } from "@sluice/core/agents/agent-release";
import { Problem } from "@sluice/core/problems/problem";
import { type Clock, readDocument, sha256Text, writeFileDurably } from "@sluice/runtime";
import { z } from "zod";
import type { OwnProgram } from "../drivers.ts";
import { releaseFolder } from "../install/site-content.ts";

/** What the watchdog told the process that it started. */
export interface WatchdogWord {
  /** Digest of the release; absent: the program that was installed by hand. */
  readonly digest?: string;
  /** The grant that it is on trial for. */
  readonly trial?: string;
  /** Tells it that this program goes about its work; absent: it does not listen. */
  readonly giveSign?: () => void;
}

export interface OwnProgramOptions {
  readonly dataDir: string;
  readonly word: WatchdogWord;
  /** What this program calls itself. */
  readonly version: string;
  readonly clock: Pick<Clock, "now">;
}

/** What the watchdog keeps on record for agents; other members are its own. */
const watchdogFile = z.object({ ends: z.record(z.string(), z.object({ reason: z.string() })) });

/** Saying a version takes moments; a program that takes longer hangs. */
const askWithinMs = 20_000;

export const programFileOf = (dataDir: string): string => join(dataDir, "agent", "program.json");

/** The program of this very process, and the files by which it and its watchdog speak. */
export function openOwnProgram({ dataDir, word, version, clock }: OwnProgramOptions): OwnProgram {
  const digest = word.digest ?? agentRelease(version, undefined, sha256Text).digest;
  const own = { digest, version, pid: process.pid, startedAtMs: clock.now() };
  const path = programFileOf(dataDir);
  return {
    async seen() {
      const read = await readDocument(join(dataDir, "agent", "watchdog.json"), watchdogFile);
      const ends = read.kind === "ok" ? read.document.ends : {};
      const trialEnds = Object.fromEntries(Object.entries(ends).map(([grant, { reason }]) => [grant, reason]));
      return { ...own, ...(word.trial === undefined ? {} : { trial: word.trial }), trialEnds };
    },
    async file() {
      const read = await readDocument(path, programFileSchema);
      // An unreadable one is as good as none to the watchdog as well: it starts what was installed by hand.
      return read.kind === "ok" ? read.document : emptyFile;
    },
    write: (file) => writeFileDurably(path, `${JSON.stringify(file)}\n`),
    askVersion: (release, signal) => askVersion(dataDir, release, signal),
  };
}

const emptyFile: ProgramFile = { version: 1 };

async function askVersion(dataDir: string, release: UnitRelease, signal: AbortSignal): Promise<string> {
  const { content, version } = release;
  if (!isAgentProgram(content)) {
    throw new Problem("release-invalid", `cannot start ${release.digest}: it is no program of an agent`);
  }
  // Whatever was installed by hand has said its version when it was started.
  if (content.files === undefined) return content.version;
  const { artifact, entry } = content.files;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(askWithinMs)]);
  const child = spawn(process.execPath, [join(releaseFolder(dataDir, artifact), entry), "--version"], {
    stdio: ["ignore", "pipe", "pipe"],
    signal: limit,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killed) => resolve(killed === null ? `exit code ${code}` : killed));
  });
  const [said, complaint, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]).catch((cause) => {
    throw new Problem("spawn-failed", `cannot start agent ${version} to ask for its version`, { cause });
  });
  const found = said.trim();
  if (end === "exit code 0" && found !== "") return found;
  const words = complaint.trim().split("\n").at(-1) ?? "";
  throw new Problem("spawn-failed", `agent ${version} can't start: it ended with ${end}: ${words}`);
}
