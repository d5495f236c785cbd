import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { loadCore, pinned } from "../machine/pin.ts";
import type { ProxyTarget } from "../targets/proxy-target.ts";
import { parseH2load } from "../tools/parse-h2load.ts";
import { parseWrk } from "../tools/parse-wrk.ts";
import { type Tools, toolPath } from "../tools/required-tools.ts";
import type { Workload } from "./workloads.ts";

/** One run of a load generator. */
export interface LoadRun {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly failed: number;
  /** h2load tells no percentiles. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export const connections = 64;

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Asks without a pause over {@link connections} kept connections; on a core of its own. */
export async function runLoad(
  tools: Tools,
  target: ProxyTarget,
  workload: Workload,
  seconds: number,
): Promise<LoadRun> {
  const url = urlOf(target, workload);
  const isWrk = workload.tool === "wrk";
  const [command, ...args] = pinned(tools, loadCore, [
    toolPath(tools, workload.tool),
    ...(isWrk ? wrkArguments(workload, url, seconds) : h2loadArguments(url, seconds)),
  ]);
  const env = { OPENSSL_CONF: pathOf("openssl.cnf"), BENCH_BODY_BYTES: String(workload.bodyBytes ?? 0) };
  const { stdout } = await execa(command, args, { env });
  return isWrk ? parseWrk(stdout) : parseH2load(stdout);
}

export function urlOf({ port, securePort }: ProxyTarget, { tls, path }: Workload): string {
  return tls ? `https://localhost:${securePort}${path}` : `http://localhost:${port}${path}`;
}

function wrkArguments({ bodyBytes }: Workload, url: string, seconds: number): readonly string[] {
  const script = bodyBytes === undefined ? [] : ["-s", pathOf("post.lua")];
  return ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "20s", "--latency", ...script, url];
}

function h2loadArguments(url: string, seconds: number): readonly string[] {
  return ["--h1", "-t1", `-c${connections}`, "-D", String(seconds), url];
}
