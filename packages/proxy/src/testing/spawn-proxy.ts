import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { BoundSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import { openProxyControl, type ProxyControl } from "../control/control-client.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";

const main = fileURLToPath(new URL("../start.mjs", import.meta.url));

/** What the keeper is in production: owns listening sockets and starts proxies that inherit them. */
export interface TestKeeper extends AsyncDisposable {
  /** A temporary folder of its own. */
  readonly dir: string;
  /** Binds a port; the socket stays bound while proxies come and go. */
  bindPort(host?: string): { readonly port: number; readonly fd: number };
  bindPath(name: string): { readonly path: string; readonly fd: number };
  spawn(
    id: string,
    settings: ProxyProcess,
    fds: readonly number[],
    state?: { readonly accepting: boolean; readonly slots: SlotTable },
  ): Promise<SpawnedProxy>;
  /** Starts a proxy in a folder that is already there. */
  respawn(id: string, fds: readonly number[]): SpawnedProxy;
}

export interface SpawnedProxy {
  readonly child: ChildProcess;
  readonly control: ProxyControl;
  readonly dir: string;
  readonly exited: Promise<number | null>;
  output(): string;
}

export async function startTestKeeper(): Promise<TestKeeper> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-proxy-"));
  const sockets: BoundSocket[] = [];
  const children: SpawnedProxy[] = [];
  const respawn = (id: string, fds: readonly number[]): SpawnedProxy => {
    const proxy = start(join(dir, id), fds);
    children.push(proxy);
    return proxy;
  };
  return {
    dir,
    bindPort(host = "127.0.0.1") {
      const socket = new BoundSocket({ host, port: 0 });
      sockets.push(socket);
      return { port: portOf(socket), fd: fdOf(socket) };
    },
    bindPath(name) {
      const path = join(dir, name);
      const socket = new BoundSocket({ path } as object);
      sockets.push(socket);
      return { path, fd: fdOf(socket) };
    },
    async spawn(id, settings, fds, state) {
      await mkdir(join(dir, id));
      await writeFile(join(dir, id, "settings.json"), JSON.stringify(settings));
      if (state !== undefined) await writeFile(join(dir, id, "state.json"), JSON.stringify(state));
      return respawn(id, fds);
    },
    respawn,
    async [Symbol.asyncDispose]() {
      for (const { child } of children) child.kill("SIGKILL");
      await Promise.all(children.map(({ exited }) => exited));
      for (const socket of sockets) socket.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function start(dir: string, fds: readonly number[]): SpawnedProxy {
  const child = spawn(process.execPath, [main, "--dir", dir], { stdio: ["ignore", "pipe", "pipe", ...fds] });
  let output = "";
  const collect = (data: Buffer): void => {
    output += data.toString();
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const exited = once(child, "exit").then(([code]): number | null => code);
  return { child, control: openProxyControl(join(dir, "control.sock")), dir, exited, output: () => output };
}

function portOf(socket: BoundSocket): number {
  const address = socket.address();
  if (typeof address === "string" || !("port" in address)) throw new Error("not bound to a port");
  return address.port;
}

function fdOf(socket: BoundSocket): number {
  const fd = socket.fd();
  if (fd < 0) throw new Error("no descriptor");
  return fd;
}
