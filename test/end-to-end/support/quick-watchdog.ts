/** `agent run` under a watchdog that has less patience with a silent agent: what takes a minute and a half is tested in seconds. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Watchdog, watchdogTimings } from "@sluice/agent/watchdog/watchdog";
import { nodeClock } from "@sluice/runtime";

/** An agent at rest gives a sign every five seconds. */
const silentMsMax = 7_000;
/** For one that will never find all well. */
const reportWithinMs = 8_000;

const args = process.argv.slice(2);
const { values } = parseArgs({ args, strict: false, options: { data: { type: "string" } } });
const watchdog = new Watchdog({
  dataDir: String(values.data),
  entry: fileURLToPath(import.meta.resolve("@sluice/cli/sluice")),
  args,
  say: (event, fields) => process.stderr.write(`${JSON.stringify({ ...fields, msg: event })}\n`),
  timings: { ...watchdogTimings, silentMsMax, reportWithinMs, endWithinMs: 500 },
  clock: nodeClock,
  pid: process.pid,
});
process.on("SIGUSR2", () => watchdog.heard());
process.on("SIGTERM", () => watchdog.stop("SIGTERM"));
process.exitCode = await watchdog.run();
