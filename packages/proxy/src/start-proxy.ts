import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import type { ProxyLimits, ProxyListener, SlotTable } from "@sluice/core/proxying/proxy-settings";
import manifest from "../package.json" with { type: "json" };
import { CertificateStore } from "./certificates/certificate-store.ts";
import { certificatesOf } from "./certificates/certificates-of.ts";
import type { DrainOrder, ProxyStatus } from "./control/control-messages.ts";
import { type ProxyOrders, startControlServer } from "./control/control-server.ts";
import { type ProxyState, readProxyState, writeProxyState } from "./control/proxy-state.ts";
import { ProxyCounters, type ProxyCounts } from "./counting/proxy-counters.ts";
import { Forwarder, type ForwardingLimits } from "./forwarding/forwarder.ts";
import { Acceptor } from "./serving/acceptor.ts";
import { ClientServer } from "./serving/client-server.ts";
import { FrontHandler } from "./serving/front-handler.ts";
import { SiteHandler } from "./serving/site-handler.ts";
import { parseProxyProcess } from "./settings/parse-proxy-process.ts";
import type { ProxyProcess } from "./settings/process-settings.ts";
import { SlotRouter } from "./slots/slot-router.ts";
import { afterReading } from "./timing/after-reading.ts";

/** How often a drain looks for connections that have become idle. */
const drainTickMs = 25;

/** One proxy process: everything it serves and everything that can be asked of it. */
export interface RunningProxy extends ProxyOrders, AsyncDisposable {
  /** Settles when a drain is over. */
  readonly done: Promise<void>;
  /** Drains without writing it down: a respawn accepts again. For SIGTERM, after which the same proxy may come back. */
  drainNow(order: DrainOrder): void;
}

/** Starts what `settings.json` in `dir` describes and resumes what `state.json` says. Throws a `Problem` when it can't. */
export async function startProxy(dir: string): Promise<RunningProxy> {
  const file = join(dir, "settings.json");
  const proxy = new ProxyServer(dir, parseProxyProcess(readSettings(file), file));
  await proxy.start();
  return proxy;
}

function readSettings(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("proxy-settings-invalid", `cannot read proxy settings ${file}`, { cause });
  }
}

class ProxyServer implements RunningProxy {
  readonly done: Promise<void>;
  readonly #dir: string;
  readonly #process: ProxyProcess;
  readonly #startedAt = Date.now();
  readonly #forwarder: Forwarder;
  readonly #counters: ProxyCounters;
  readonly #router: SlotRouter;
  readonly #clients: ClientServer;
  readonly #certificates: CertificateStore | undefined;
  readonly #remarks: string[] = [];
  #state: ProxyState;
  #acceptors: Acceptor[] = [];
  #probing: Acceptor | undefined;
  #control: AsyncDisposable | undefined;
  #orders: Promise<unknown> = Promise.resolve();
  #draining = false;
  #hasAccepted = false;
  #finish: () => void = () => undefined;

  constructor(dir: string, process: ProxyProcess) {
    this.#dir = dir;
    this.#process = process;
    const { settings } = process;
    const read = readProxyState(join(dir, "state.json"));
    this.#state = read.state;
    if (read.remark !== undefined) this.#remarks.push(read.remark);
    this.#router = new SlotRouter(this.#state.slots);
    this.#certificates = openCertificates(process);
    this.#forwarder = new Forwarder(process.kind === "front" ? patient(settings.limits) : settings.limits);
    this.#counters = new ProxyCounters(
      process.kind === "front" ? process.settings.routes : process.settings.bindings,
      this.#startedAt,
    );
    const handler =
      process.kind === "front"
        ? new FrontHandler(process, this.#counters, this.#forwarder, () => this.#hasAccepted)
        : new SiteHandler(process, this.#router, this.#counters, this.#forwarder);
    this.#clients = new ClientServer(settings.limits, handler);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Takes inherited sockets first: when state says so, requests may be waiting for us already. */
  async start(): Promise<void> {
    if (this.#state.accepting) await this.#listen();
    this.#probing = this.#acceptor({ kind: "announced", tls: new Set(securePorts(this.#process.settings.listeners)) });
    await this.#probing.listenPrivatelyAt(join(this.#dir, "probe.sock"));
    this.#control = await startControlServer(join(this.#dir, "control.sock"), this);
  }

  status(): ProxyStatus {
    return {
      kind: this.#process.kind,
      build: manifest.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      settingsDigest: this.#process.settingsDigest,
      accepting: this.#acceptors.length > 0,
      draining: this.#draining,
      slots: this.#router.table,
      inFlight: this.#router.inFlight(),
      upgrades: this.#router.upgrades(),
      connections: this.#clients.connections.size,
      held: this.#forwarder.held,
      remarks: this.#remarks,
    };
  }

  counters(): ProxyCounts {
    return this.#counters.read();
  }

  putSlots(table: SlotTable): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#process.kind === "front") throw new Problem("message-invalid", "cannot put slots: a front has none");
      await this.#save({ ...this.#state, slots: table });
      this.#router.put(table);
      this.#forwarder.retryHeld();
    });
  }

  accept(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#draining) throw new Problem("verb-refused", "cannot accept: this proxy is draining");
      await this.#save({ ...this.#state, accepting: true });
      await this.#listen();
    });
  }

  drain(order: DrainOrder): Promise<void> {
    return this.#inOrder(async () => {
      await this.#save({ ...this.#state, accepting: false });
      this.drainNow(order);
    });
  }

  drainNow(order: DrainOrder): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#clients.draining = true;
    for (const acceptor of this.#acceptors) acceptor.stop();
    this.#acceptors = [];
    const began = performance.now();
    const tick = afterReading(() => {
      const now = performance.now();
      const left = this.#clients.closeIdle(order.graceMs, now);
      if (left > 0 && now - began < order.limitMs) setTimeout(tick, drainTickMs);
      else this.#finish();
    });
    setTimeout(tick, drainTickMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const acceptor of this.#acceptors) acceptor.stop();
    this.#acceptors = [];
    this.#probing?.stop();
    this.#clients.close();
    this.#router.close();
    await this.#control?.[Symbol.asyncDispose]();
    this.#finish();
  }

  async #listen(): Promise<void> {
    if (this.#acceptors.length > 0) return;
    this.#hasAccepted = true;
    const secure = new Set(securePorts(this.#process.settings.listeners));
    const listening: [Acceptor, number][] = this.#process.sockets.map(({ fd, bindingPort }) => [
      this.#acceptor({ kind: "direct", bindingPort, tls: secure.has(bindingPort) }),
      fd,
    ]);
    if (this.#process.kind === "site-proxy" && this.#process.siteSocketFd !== undefined) {
      listening.push([this.#acceptor({ kind: "announced", tls: "decrypted" }), this.#process.siteSocketFd]);
    }
    await Promise.all(listening.map(([acceptor, fd]) => acceptor.listenOn(fd)));
    this.#acceptors = listening.map(([acceptor]) => acceptor);
  }

  #acceptor(accepting: ConstructorParameters<typeof Acceptor>[0]["accepting"]): Acceptor {
    const greetingTimeoutMs = this.#process.settings.limits.headersTimeoutMs;
    return new Acceptor({ accepting, clients: this.#clients, certificates: this.#certificates, greetingTimeoutMs });
  }

  async #save(state: ProxyState): Promise<void> {
    await writeProxyState(join(this.#dir, "state.json"), state);
    this.#state = state;
    this.#remarks.length = 0;
  }

  /** One order after the other, so that the last one asked is the one in force and on disk. */
  #inOrder(carryOut: () => Promise<void>): Promise<void> {
    const result = this.#orders.then(carryOut);
    this.#orders = result.catch(() => undefined);
    return result;
  }
}

/** A front leaves giving up to the site proxy behind it, which may hold, connect and wait, each to its limit. */
function patient(limits: ProxyLimits): ForwardingLimits {
  const { holdMs, connectTimeoutMs, responseTimeoutMs } = limits;
  return { holdMs, connectTimeoutMs, responseTimeoutMs: holdMs + connectTimeoutMs + responseTimeoutMs };
}

function securePorts(listeners: readonly ProxyListener[]): number[] {
  return listeners.filter((listener) => listener.tls).map((listener) => listener.bindingPort);
}

function openCertificates({ settings }: ProxyProcess): CertificateStore | undefined {
  const names = certificatesOf(settings).flatMap(({ certificate, hostNames }) =>
    hostNames.map((name) => ({ name, certificate })),
  );
  return names.length === 0 ? undefined : CertificateStore.open(names);
}
