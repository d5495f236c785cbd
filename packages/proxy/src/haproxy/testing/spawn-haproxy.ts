import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ProxyState } from "../../control/proxy-state.ts";
import type { ProxyProcess } from "../../settings/process-settings.ts";
import type { SpawnedProxy, TestKeeper } from "../../testing/spawn-proxy.ts";
import { openHaproxyControl } from "../open-haproxy-control.ts";
import { haproxyCommand, prepareHaproxy } from "../prepare-haproxy.ts";

const answerWithinMs = 20_000;

export interface HaproxySpawner extends AsyncDisposable {
  /** Resolves when the process answers. */
  spawn(id: string, settings: ProxyProcess, fds: readonly number[], state: ProxyState): Promise<SpawnedProxy>;
  /** Starts the process of a folder again, as a keeper does. */
  respawn(id: string, fds: readonly number[]): Promise<SpawnedProxy>;
}

/** Starts haproxy processes in the folder of a test keeper and ends them; dispose of it before the keeper. */
export function openHaproxySpawner(haproxy: string, keeper: TestKeeper): HaproxySpawner {
  const children: SpawnedProxy[] = [];
  const respawn = async (id: string, fds: readonly number[]): Promise<SpawnedProxy> => {
    const proxy = start(haproxy, join(keeper.dir, id), fds);
    children.push(proxy);
    await answering(proxy);
    return proxy;
  };
  return {
    respawn,
    async spawn(id, settings, fds, state) {
      const dir = join(keeper.dir, id);
      await mkdir(dir);
      await writeFile(join(dir, "settings.json"), JSON.stringify(settings));
      await prepareHaproxy(haproxy, dir, state);
      return respawn(id, fds);
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of children) killGroup(child.pid);
      await Promise.all(children.map(({ exited }) => exited));
    },
  };
}

function start(haproxy: string, dir: string, fds: readonly number[]): SpawnedProxy {
  const { command, args, env } = haproxyCommand(haproxy, dir);
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", ...fds],
    detached: true,
  });
  let output = "";
  const collect = (data: Buffer): void => {
    output += data.toString();
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const exited = once(child, "exit").then(([code]): number | null => code);
  return { child, control: openHaproxyControl(dir), dir, exited, output: () => output };
}

async function answering({ child, control, output }: SpawnedProxy): Promise<void> {
  const end = performance.now() + answerWithinMs;
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`haproxy ended: ${output()}`);
    if (await control.status().catch(() => undefined)) return;
    await delay(5);
  }
  throw new Error(`haproxy does not answer: ${output()}`);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    return;
  }
}
