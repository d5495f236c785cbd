import { flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { Problem } from "@sluice/core/problems/problem";
import { log } from "./log.ts";
import { startProxy } from "./start-proxy.ts";

/** On SIGTERM: what is under way may end, idle clients get a moment to notice. */
const onSigterm = { graceMs: 1000, limitMs: 30_000 };

/** The whole life of one proxy process. Exits 0 after a drain, 2 when it is configured wrongly, 1 when it fails. */
export async function runProxy(args: readonly string[]): Promise<void> {
  // The terminal of whoever started the keeper may go; requests go on.
  process.on("SIGHUP", () => undefined);
  try {
    const dir = readDir(args);
    const proxy = await startProxy(dir);
    const { accepting, settingsDigest, slots, remarks } = proxy.status();
    log("info", "proxy.started", {
      dir,
      accepting,
      settingsDigest,
      live: slots.live,
      startMs: Math.round(performance.now()),
    });
    for (const remark of remarks) log("warn", "proxy.remark", { remark });
    // Node writes its cache when it exits; a proxy that is killed would leave its respawn without one.
    flushCompileCache();
    process.once("SIGTERM", () => proxy.drainNow(onSigterm));
    await proxy.done;
    await proxy[Symbol.asyncDispose]();
    log("info", "proxy.drained", { dir });
    process.exit(0);
  } catch (error) {
    process.exit(fail(error));
  }
}

function readDir(args: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...args], options: { dir: { type: "string" } } });
    if (values.dir !== undefined) return values.dir;
  } catch (cause) {
    throw new Problem("usage-invalid", "cannot read the arguments", { cause });
  }
  throw new Problem("usage-invalid", "cannot start a proxy without --dir DIR");
}

function fail(error: unknown): number {
  const problem = error instanceof Problem ? error : new Problem("internal", "the proxy failed", { cause: error });
  const causes: string[] = [];
  for (let cause = problem.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  log("error", "proxy.failed", { reason: problem.reason, sentence: problem.message, causes, hint: problem.hint });
  return problem.category === "invalid" ? 2 : 1;
}
