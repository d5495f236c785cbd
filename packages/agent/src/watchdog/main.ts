/** `start.mjs DIR ENTRY ARGUMENTS…`: keeps the agent of a data folder running. ENTRY is the program that was installed by hand. */
import { nodeClock } from "@sluice/runtime/clock/node-clock";
import { startOverCompiled } from "@sluice/runtime/programs/start-over-compiled";
import { Watchdog, watchdogTimings } from "./watchdog.ts";

startOverCompiled();

const [dataDir = "", entry = "", ...args] = process.argv.slice(2);

const watchdog = new Watchdog({
  dataDir,
  entry,
  args,
  say: (event, fields) => {
    const line = {
      level: "info",
      time: new Date(nodeClock.now()).toISOString(),
      name: "watchdog",
      pid: process.pid,
      ...fields,
    };
    process.stderr.write(`${JSON.stringify({ ...line, msg: event })}\n`);
  },
  timings: watchdogTimings,
  clock: nodeClock,
  pid: process.pid,
});
// A signal needs neither a disk that can be written nor a file that survives the program's own start.
process.on("SIGUSR2", () => watchdog.heard());
process.on("SIGTERM", () => watchdog.stop("SIGTERM"));
process.on("SIGINT", () => watchdog.stop("SIGINT"));
// The agent ends as well when its terminal goes away.
process.on("SIGHUP", () => watchdog.stop("SIGTERM"));
process.exitCode = await watchdog.run();
