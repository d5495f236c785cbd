import { readdir, readFile, readlink } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import type { BootFacts, ProgramSeen } from "@sluice/core/host/forecast-boot";
import { instant } from "@sluice/core/units/time";
import type { KeeperStatus, KeptChild } from "../keeper/keeper-api.ts";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { type CodeFile, newestCodeFile } from "./newest-code-file.ts";

export interface BootFactsOptions {
  readonly keeper: Pick<KeeperClient, "status">;
  readonly agentStartedAt: number;
  /** The file that Node would be started with as the keeper. */
  readonly keeperFile: () => Promise<string>;
  /** Folder of Sluice's own packages: what runs from it runs its code. */
  readonly codeDir: string;
  /** Where the system tells of itself; `/` but in tests. */
  readonly root?: string;
}

/** A process of this host that a reboot would start again. */
interface Started {
  readonly who: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly runsOurCode: boolean;
  /** What would be started in place of the file that it runs. */
  readonly startsInstead?: string;
}

/** Compares what runs with the files it would be started from; rejects when the keeper can't be asked. */
export async function readBootFacts(options: BootFactsOptions): Promise<BootFacts> {
  const { keeper, codeDir, root = "/" } = options;
  const [status, newest, keeperFile] = await Promise.all([
    keeper.status(),
    newestCodeFile(codeDir),
    options.keeperFile(),
  ]);
  const started: readonly Started[] = [
    { who: "agent", pid: process.pid, startedAt: options.agentStartedAt, runsOurCode: true },
    startedKeeper(status, keeperFile, codeDir),
    ...status.children.flatMap((child) => startedChild(child, codeDir)),
  ];
  const seen = await Promise.all(started.map((one) => seeProgram(join(root, "proc"), one, newest)));
  const [kernel, rebootAskedFor] = await Promise.all([readKernel(root), readRebootAskedFor(root)]);
  return {
    programs: seen.flatMap((one) => (typeof one === "object" ? [one] : [])),
    ...(kernel === undefined ? {} : { kernel }),
    ...(rebootAskedFor === undefined ? {} : { rebootAskedFor }),
    unread: seen.flatMap((one) => (typeof one === "string" ? [one] : [])),
  };
}

/** One that does not say what it runs is taken for one of the agent's own build. */
function startedKeeper({ pid, startedAt, program }: KeeperStatus, keeperFile: string, codeDir: string): Started {
  const isOther = program !== undefined && program.file !== keeperFile;
  return {
    ...{ who: "keeper", pid, startedAt },
    runsOurCode: program === undefined || program.file.startsWith(codeDir),
    ...(isOther ? { startsInstead: keeperFile } : {}),
  };
}

function startedChild(child: KeptChild, codeDir: string): readonly Started[] {
  const { id, phase, pid, startedAt, restart, command, args } = child;
  if (phase !== "running" || restart !== "on-exit" || pid === null || startedAt === null) return [];
  const runsOurCode = [command, ...args].some((word) => word.startsWith(codeDir));
  return [{ who: id, pid, startedAt: instant(startedAt), runsOurCode }];
}

/** How proc(5) marks a program whose file is no longer the one that was started. */
const replacedMark = " (deleted)";

/** The program of one process; a sentence when it can't be told, nothing when the process has ended meanwhile. */
async function seeProgram(
  proc: string,
  { who, pid, startedAt, runsOurCode, startsInstead }: Started,
  newest: CodeFile | undefined,
): Promise<ProgramSeen | string | undefined> {
  const link = await readlink(join(proc, String(pid), "exe")).catch((error: NodeJS.ErrnoException) => error);
  if (typeof link !== "string") {
    const ended = link.code === "ENOENT" && (await readdir(proc).catch(() => [])).length > 0;
    return ended ? undefined : `nobody can tell which program ${who} would run: ${link.code ?? link.message}`;
  }
  const isReplaced = link.endsWith(replacedMark);
  const program = isReplaced ? link.slice(0, -replacedMark.length) : link;
  const isNewer = runsOurCode && newest !== undefined && newest.changedAt > startedAt;
  return {
    who,
    program,
    isReplaced,
    ...(isNewer ? { newerFile: newest.path } : {}),
    ...(startsInstead === undefined ? {} : { startsInstead }),
  };
}

/** The newest kernel with modules on disk, of the flavour that runs; undefined where there is none, as in a container. */
async function readKernel(root: string): Promise<BootFacts["kernel"]> {
  const running = (await readFile(join(root, "proc/sys/kernel/osrelease"), "utf8").catch(release)).trim();
  const kernels = await readdir(join(root, "lib", "modules")).catch(() => []);
  const alike = kernels.filter((kernel) => flavourOf(kernel) === flavourOf(running));
  const newest = alike.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  return newest === undefined ? undefined : { running, newest };
}

/** `cloud-amd64` of `6.1.0-25-cloud-amd64`: installing one flavour beside another changes nothing. */
const flavourOf = (kernel: string): string => kernel.replace(/^[\d.-]+/, "");

/** Debian and its kin ask for a reboot by a file, and name the packages in another. */
async function readRebootAskedFor(root: string): Promise<readonly string[] | undefined> {
  const file = join(root, "run", "reboot-required");
  const asked = await readFile(file, "utf8").catch(() => undefined);
  if (asked === undefined) return undefined;
  const packages = await readFile(`${file}.pkgs`, "utf8").catch(() => "");
  return [...new Set(packages.split("\n").filter((line) => line !== ""))].sort();
}
