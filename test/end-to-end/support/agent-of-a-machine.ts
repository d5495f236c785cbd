/**
 * `sluice agent run` on a machine that a test plays: the id of its boot is what the test wrote, and its reboot command asks the
 * test for a reboot, by a file. Everything else is the agent as it is.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startAgent } from "@sluice/agent";
import { clockOf, createIds } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { bootIdFile, rebootAskedFile } from "./machine-files.ts";

const option = { type: "string", default: "" } as const;
const { values } = parseArgs({
  allowPositionals: true,
  options: { host: option, data: option, coordinator: option, "no-watchdog": { type: "boolean" } },
});
const clock = clockOf(process.env);

const agent = await startAgent(
  {
    host: values.host,
    dataDir: values.data,
    coordinator: values.coordinator,
    clock,
    ids: createIds(clock),
    log: openLog({ name: "agent", destination: process.stderr }),
    version: "0.1.0",
    rebootCommand: `touch '${rebootAskedFile(values.data)}'`,
  },
  { bootId: readFileSync(bootIdFile(values.data), "utf8") },
);
process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
await agent.done;
