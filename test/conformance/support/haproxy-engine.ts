import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Haproxy } from "@sluice/proxy/haproxy/find-haproxy";
import { openHaproxySpawner } from "@sluice/proxy/haproxy/testing/spawn-haproxy";
import type { SpawnedProxy } from "@sluice/proxy/testing/spawn-proxy";
import { engineUnderTest } from "./engine-site.ts";
import type { EngineUnderTest } from "./engine-under-test.ts";

const run = promisify(execFile);

/** HAProxy as the keeper starts it. */
export function haproxyEngine(haproxy: Haproxy): EngineUnderTest {
  return engineUnderTest("haproxy", (keeper) => ({ ...openHaproxySpawner(haproxy.path, keeper), pidsOf, endOf }));
}

/** The master with its workers. */
async function pidsOf({ child }: SpawnedProxy): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-o", "pid=", "-g", String(child.pid)]);
  return stdout.trim().split(/\s+/).map(Number);
}

/** 2.6.12 may crash when all its traffic is done (haproxy#2114): that it ends is what counts then. */
const endOf = (code: number | null): number | null => (code === 139 ? 0 : code);
