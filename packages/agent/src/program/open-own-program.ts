import { join } from "node:path";
import type { ProgramFile, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { programFileSchema } from "@sluice/core/programs/program-change-schema";
import { isProgram, programRelease } from "@sluice/core/programs/program-release";
import { type Clock, readDocument, sha256Text, writeFileDurably } from "@sluice/runtime";
import { z } from "zod";
import type { OwnProgram } from "../drivers.ts";
import { releaseFolder } from "../install/site-content.ts";
import { askProgram } from "./ask-program.ts";

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

export const programFileOf = (dataDir: string): string => join(dataDir, "agent", "program.json");

/** The program of this very process, and the files by which it and its watchdog speak. */
export function openOwnProgram({ dataDir, word, version, clock }: OwnProgramOptions): OwnProgram {
  const digest = word.digest ?? programRelease("agent", version, undefined, sha256Text).digest;
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
  if (!isProgram(content)) {
    throw new Problem("release-invalid", `cannot start ${release.digest}: it is no program of an agent`);
  }
  // Whatever was installed by hand has said its version when it was started.
  if (content.files === undefined) return content.version;
  const { artifact, entry } = content.files;
  const args = [join(releaseFolder(dataDir, artifact), entry), "--version"];
  return askProgram({ name: `agent ${version}`, args, signal });
}
