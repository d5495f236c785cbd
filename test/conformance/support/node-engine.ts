import type { SpawnedProxy, TestKeeper } from "@sluice/proxy/testing/spawn-proxy";
import { type EngineProcesses, engineUnderTest } from "./engine-site.ts";
import { until } from "./until.ts";

/** The embedded engine: `packages/proxy/src/start.mjs`, as the keeper starts it. */
export const nodeEngine = engineUnderTest("node", nodeProcesses);

/** The keeper ends them with itself. */
function nodeProcesses(keeper: TestKeeper): EngineProcesses {
  return {
    spawn: async (...wanted) => answering(await keeper.spawn(...wanted)),
    respawn: (id, fds) => answering(keeper.respawn(id, fds)),
    pidsOf: async ({ child }) => [child.pid ?? Number.NaN],
    endOf: (code) => code,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function answering(proxy: SpawnedProxy): Promise<SpawnedProxy> {
  const { control, child, output } = proxy;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}: ${output()}`);
    return control.status().then(
      ({ pid }) => pid === child.pid,
      () => false,
    );
  });
  return proxy;
}
