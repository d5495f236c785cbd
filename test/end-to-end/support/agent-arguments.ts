import { parseArgs } from "node:util";
import type { AgentOptions } from "@sluice/agent";

const option = { type: "string", default: "" } as const;

/** What `sluice agent run` was given by the fleet of a test, for programs that start the agent in their own way. */
export function agentArguments(): Pick<AgentOptions, "host" | "dataDir" | "coordinator"> {
  const { values } = parseArgs({
    allowPositionals: true,
    options: { host: option, data: option, coordinator: option, "no-watchdog": { type: "boolean" } },
  });
  return { host: values.host, dataDir: values.data, coordinator: values.coordinator };
}
