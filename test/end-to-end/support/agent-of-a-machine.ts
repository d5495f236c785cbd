/**
 * `sluice agent run` on a machine that a test plays: the id of its boot is what the test wrote, and its reboot command asks the
 * test for a reboot, by a file. Its probes accept certificates that nobody vouches for. Everything else is the agent as it is.
 */
import { readFileSync } from "node:fs";
import { startAgent } from "@sluice/agent";
import { clockOf, createIds } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { agentArguments } from "./agent-arguments.ts";
import { bootIdFile, rebootAskedFile } from "./machine-files.ts";

const given = agentArguments();
const clock = clockOf(process.env);

const agent = await startAgent(
  {
    ...given,
    clock,
    ids: createIds(clock),
    log: openLog({ name: "agent", destination: process.stderr }),
    version: "0.1.0",
    acceptSelfSigned: true,
    rebootCommand: `touch '${rebootAskedFile(given.dataDir)}'`,
  },
  { bootId: readFileSync(bootIdFile(given.dataDir), "utf8") },
);
process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
await agent.done;
