/**
 * `sluice agent run` with a wall clock that jumps an hour ahead at each SIGUSR2, so that a test need not wait for a deadline
 * that is a quarter of an hour away. Everything else is the agent as it is.
 */
import { startAgent } from "@sluice/agent";
import { after, durationMs, minutes } from "@sluice/core";
import { type Clock, createIds, nodeClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { agentArguments } from "./agent-arguments.ts";

let ahead = durationMs(0);
process.on("SIGUSR2", () => {
  ahead = durationMs(ahead + minutes(60));
});
const clock: Clock = { ...nodeClock, now: () => after(nodeClock.now(), ahead) };

const agent = await startAgent({
  ...agentArguments(),
  clock,
  ids: createIds(clock),
  log: openLog({ name: "agent", destination: process.stderr }),
  version: "0.1.0",
});
process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
await agent.done;
