import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import type { BenchWorld } from "../bench-world.ts";
import { pinned, proxyCore } from "../machine/pin.ts";
import { treeOf } from "../machine/processes.ts";
import type { Certificate } from "../slots/certificate.ts";
import type { SlotPorts } from "../slots/slot-ports.ts";
import type { ProxyTarget } from "../targets/proxy-target.ts";
import { toolPath } from "../tools/required-tools.ts";
import { writeFilled } from "./fill-template.ts";
import { startProgram } from "./started-program.ts";

/** A proxy of somebody else's, with the configuration file that it is started and reloaded with. */
export interface PeerKind {
  readonly name: string;
  readonly template: string;
  /** Further values for the template. */
  readonly values?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  command(world: BenchWorld, dir: string): readonly string[];
  /** Asks the running program to take its configuration file again, the way its operators do. */
  reload(pid: number, dir: string): Promise<void>;
}

/** A running peer. */
export interface Peer extends ProxyTarget {
  /** Rewrites its configuration for the other slot and has it reloaded; resolves when the order is given. */
  reloadTo(live: "blue" | "green"): Promise<void>;
}

const haproxyMinimal: PeerKind = {
  name: "haproxy minimal",
  template: "haproxy-minimal.cfg",
  values: { IDLE_CLOSE: "" },
  command: ({ tools }, dir) => [
    toolPath(tools, "haproxy"),
    ...["-W", "-f", join(dir, "peer.cfg"), "-S", `unix@${dir}/master.sock,mode,600`],
  ],
  reload: (_, dir) => tell(join(dir, "master.sock"), "reload\n"),
};

export const peerKinds = {
  haproxyMinimal,
  haproxySameDuties: { ...haproxyMinimal, name: "haproxy same duties", template: "haproxy-same-duties.cfg" },
  haproxyIdleClose: {
    ...haproxyMinimal,
    name: "haproxy minimal, idle-close-on-response",
    values: { IDLE_CLOSE: "    option idle-close-on-response" },
  },
  nginx: {
    name: "nginx",
    template: "nginx.conf",
    command: ({ tools }, dir) => [
      toolPath(tools, "nginx"),
      ...["-c", join(dir, "peer.cfg"), "-p", dir, "-e", join(dir, "error.log")],
    ],
    reload: async (pid) => void process.kill(pid, "SIGHUP"),
  },
  caddy: {
    name: "caddy",
    template: "Caddyfile",
    env: { GOMAXPROCS: "1" },
    command: ({ tools }, dir) => [
      toolPath(tools, "caddy"),
      ...["run", "--config", join(dir, "peer.cfg"), "--adapter", "caddyfile"],
    ],
    reload: (_, dir) => loadCaddyfile(dir),
  },
} as const satisfies Readonly<Record<string, PeerKind>>;

/** Resolves when it takes connections; the whole program is pinned to the proxies' core. */
export async function startPeer(
  world: BenchWorld,
  kind: PeerKind,
  slots: SlotPorts,
  certificate: Certificate,
): Promise<Peer> {
  const dir = join(world.dir, kind.name.replaceAll(/[^a-z]+/g, "-"));
  await mkdir(dir, { recursive: true });
  const [port = 0, securePort = 0] = await findFreePorts(2);
  const write = (live: "blue" | "green"): Promise<void> =>
    writeConfiguration(kind, dir, {
      ...{ DIR: dir, PORT: port, SECURE_PORT: securePort },
      ...{ CERT: certificate.certFile, KEY: certificate.keyFile, PEM: certificate.pemFile },
      SLOT_PORT: slots[live],
      OTHER_SLOT_PORT: slots[live === "blue" ? "green" : "blue"],
    });
  await write("blue");
  const program = await startProgram({
    command: pinned(world.tools, proxyCore, kind.command(world, dir)),
    // Caddy keeps what it likes under HOME.
    env: { ...kind.env, HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir },
    logFile: join(dir, "peer.log"),
    port,
  });
  return {
    name: kind.name,
    port,
    securePort,
    pids: () => treeOf(program.pid),
    async reloadTo(live) {
      await write(live);
      await kind.reload(program.pid, dir);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function writeConfiguration(
  kind: PeerKind,
  dir: string,
  values: Readonly<Record<string, string | number>>,
): Promise<void> {
  await writeFile(join(dir, "hosts.map"), "localhost localhost\n");
  await writeFile(join(dir, "slot.map"), "live blue\n");
  await writeFilled(new URL(kind.template, import.meta.url), join(dir, "peer.cfg"), { ...kind.values, ...values });
}

/** A master that executes itself anew takes no orders for a moment. */
const refusingMs = 5000;
const retryMs = 10;

/** Says a line to a unix socket; resolves when the other side has closed. Asks again while nobody listens there. */
async function tell(path: string, line: string): Promise<void> {
  const deadline = performance.now() + refusingMs;
  for (;;) {
    const refusal = await tellOnce(path, line);
    if (refusal === undefined) return;
    if (performance.now() > deadline) throw refusal;
    await delay(retryMs);
  }
}

/** Answers with the error when it could not even connect; being cut afterwards is what a reload looks like. */
function tellOnce(path: string, line: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let refusal: Error | undefined;
    const socket = connect(path);
    socket.resume();
    socket.on("error", (error) => {
      if (socket.pending) refusal = error;
    });
    socket.on("close", () => resolve(refusal));
    socket.end(line);
  });
}

/** What `caddy reload` does, without the time it takes to start a second Caddy. */
async function loadCaddyfile(dir: string): Promise<void> {
  // On a unix socket there is no host to name, and Caddy refuses any that is named.
  const headers = { "Content-Type": "text/caddyfile", Host: "" };
  const asked = request({
    ...{ socketPath: join(dir, "admin.sock"), path: "/load", method: "POST", headers },
    // An empty one would be taken for none.
    setHost: false,
  });
  asked.end(await readFile(join(dir, "peer.cfg")));
  const [answer] = await once(asked, "response");
  answer.resume();
  await once(answer, "end");
  if (answer.statusCode !== 200) throw new Error(`caddy refused its configuration: ${answer.statusCode}`);
}
