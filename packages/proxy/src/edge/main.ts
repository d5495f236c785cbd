import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { log } from "../log.ts";
import { type EdgeConfig, startEdge } from "./start-edge.ts";

const port = z.number().int().min(0).max(65_535);
const configSchema = z.strictObject({
  listen: z.strictObject({ address: z.string(), port }),
  tls: z.strictObject({ certFile: z.string(), keyFile: z.string() }).exactOptional(),
  routes: z.record(z.string(), z.array(z.string().regex(/^.+:\d{1,5}$/, "expected host:port")).min(1)),
});

/** `--config FILE`: an `EdgeConfig` as JSON. Exits 0 on SIGTERM, 2 when the file is no good. */
async function runEdge(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const config = readConfig(values.config);
  const edge = await startEdge(config);
  log("info", "edge.started", { address: config.listen.address, port: edge.port, hosts: Object.keys(config.routes) });
  process.on("SIGHUP", () => undefined);
  process.once("SIGTERM", () => void edge[Symbol.asyncDispose]().then(() => process.exit(0)));
}

function readConfig(file: string | undefined): EdgeConfig {
  try {
    return configSchema.parse(JSON.parse(readFileSync(file ?? "", "utf8")));
  } catch (error) {
    log("error", "edge.config-invalid", { file, sentence: error instanceof Error ? error.message : String(error) });
    process.exit(2);
  }
}

await runEdge();
