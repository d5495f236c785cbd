import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DevLayout } from "./dev-layout.ts";

/** Arguments of the edge that stands before all hosts: it goes by the public name and takes the hosts behind it in turn. */
export function edgeArguments(layout: DevLayout): readonly string[] {
  const configFile = join(layout.dir, "edge.json");
  const routes = layout.environments.map((environment) => [
    environment.publicName,
    layout.hosts.filter((host) => host.environment === environment.name).map((host) => `127.0.0.1:${host.sharedPort}`),
  ]);
  const config = { listen: { address: "127.0.0.1", port: layout.edgePort }, routes: Object.fromEntries(routes) };
  writeFileSync(configFile, `${JSON.stringify(config, undefined, 2)}\n`);
  return [fileURLToPath(import.meta.resolve("@sluice/proxy/edge/main")), "--config", configFile];
}
