import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Problem } from "@sluice/core/problems/problem";
import { findProgram } from "@sluice/runtime/programs/find-program";

/** An installed HAProxy that this engine can drive. */
export interface Haproxy {
  /** Absolute: the master starts itself again by this path on every reload. */
  readonly path: string;
  /** As it calls itself: `2.6.12-1+deb12u4`. */
  readonly version: string;
  /** What is known to be wrong with this version, and why it does not hurt here. */
  readonly quirks: readonly string[];
}

const oldestMajor = 2;
const oldestMinor = 6;

interface Quirk {
  /** Of releases `from` up to and including `to`, as [major, minor, patch]. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly sentence: string;
}

const quirks: readonly Quirk[] = [
  {
    from: [2, 6, 12],
    to: [2, 6, 12],
    sentence:
      "a former worker may end with SIGSEGV when all its traffic is done (haproxy#2114); no request is lost by it, so former workers raise no alarm",
  },
  {
    from: [2, 6, 0],
    to: [2, 6, 15],
    sentence:
      "an upload in chunks may stall until a timeout when a chunk ends where a buffer is full (haproxy#2262); no setting avoids it, 2.6.16 mends it",
  },
  {
    from: [2, 6, 0],
    to: [2, 6, 20],
    sentence:
      "raising `maxconn frontend` again after 0 deadlocks the process (haproxy#2726); requests are held by the slot map instead",
  },
];

const run = promisify(execFile);

/**
 * Finds HAProxy in PATH and the usual folders. Throws `usage-invalid` when there is none or it is older than 2.6, saying what
 * to install; nothing has been started or changed then.
 */
export async function findHaproxy(searchPath: string = process.env["PATH"] ?? ""): Promise<Haproxy> {
  const path = findProgram("haproxy", searchPath);
  if (path === undefined) throw unusable("it is not installed");
  const said = await run(path, ["-v"]).catch((cause: unknown) => {
    throw unusable(`${path} can't be run`, cause);
  });
  return judgeHaproxy(path, said.stdout);
}

/** What the answer to `haproxy -v` makes of the program at `path`. */
export function judgeHaproxy(path: string, said: string): Haproxy {
  const [, version] = /^HA-?Proxy version (\S+)/m.exec(said) ?? [];
  const numbers = parseVersion(version ?? "");
  if (version === undefined || numbers === undefined) throw unusable(`${path} does not say its version`);
  if (compare(numbers, [oldestMajor, oldestMinor]) < 0) {
    throw unusable(`${path} is ${version}, at least ${oldestMajor}.${oldestMinor} is needed`);
  }
  const known = quirks.filter(({ from, to }) => compare(numbers, from) >= 0 && compare(numbers, to) <= 0);
  return { path, version, quirks: known.map(({ sentence }) => sentence) };
}

function unusable(why: string, cause?: unknown): Problem {
  return new Problem("usage-invalid", `cannot use engine haproxy: ${why}; traffic stays where it is`, {
    hint: "install HAProxy 2.6 or newer: apt-get install haproxy",
    ...(cause === undefined ? {} : { cause }),
  });
}

function parseVersion(version: string): readonly number[] | undefined {
  const found = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  return found === null ? undefined : found.slice(1).map((part) => Number(part ?? 0));
}

/** By the numbers that both have. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, number] of b.entries()) {
    const difference = (a[index] ?? 0) - number;
    if (difference !== 0) return difference;
  }
  return 0;
}
