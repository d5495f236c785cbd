import { readFile } from "node:fs/promises";
import type { EngineName } from "@sluice/core";
import {
  defaultProxyLimits,
  type ProxyBinding,
  type ProxyLimits,
  type ProxyListener,
} from "@sluice/core/proxying/proxy-settings";
import type { ProxyState } from "@sluice/proxy/control/proxy-state";
import type {
  FrontProcess,
  InheritedSocket,
  ProxyProcess,
  SiteProxyProcess,
} from "@sluice/proxy/settings/process-settings";
import { type SpawnedProxy, startTestKeeper, type TestKeeper } from "@sluice/proxy/testing/spawn-proxy";
import type { EngineUnderTest, Part, Shape, SiteUnderTest, WantedSite } from "./engine-under-test.ts";

const probeToken = "let-me-through";

/** How the processes of one engine are started and looked at: all in which two engines differ here. */
export interface EngineProcesses extends AsyncDisposable {
  /** Resolves when the process answers. */
  spawn(id: string, settings: ProxyProcess, fds: readonly number[], state: ProxyState): Promise<SpawnedProxy>;
  /** Starts the process of a folder again, as a keeper does; resolves when it answers. */
  respawn(id: string, fds: readonly number[]): Promise<SpawnedProxy>;
  /** All processes that serve for this one, itself among them. */
  pidsOf(proxy: SpawnedProxy): Promise<readonly number[]>;
  /** The exit code of a process that has drained, as it is judged. */
  endOf(code: number | null): number | null;
}

/** An engine in both shapes, run by the processes that `open` gives for the folder of a keeper. */
export function engineUnderTest(name: EngineName, open: (keeper: TestKeeper) => EngineProcesses): EngineUnderTest {
  return {
    name,
    shapes: ["own-port", "shared-port"],
    async startSite(shape, wanted) {
      const keeper = await startTestKeeper();
      const site = new EngineSite(name, keeper, open(keeper), shape, wanted);
      try {
        await site.start();
        return site;
      } catch (error) {
        await site[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/** What is needed to start a process of a part again, or another one like it. */
interface Plan {
  readonly settings: FrontProcess | SiteProxyProcess;
  readonly fds: readonly number[];
}

class EngineSite implements SiteUnderTest {
  readonly parts: readonly Part[];
  readonly probeToken = probeToken;
  port = 0;
  securePort = 0;
  readonly #keeper: TestKeeper;
  readonly #engine: EngineName;
  readonly #processes: EngineProcesses;
  readonly #shape: Shape;
  readonly #wanted: WantedSite;
  readonly #plans = new Map<Part, Plan>();
  readonly #running = new Map<Part, SpawnedProxy>();
  #slots: WantedSite["slots"];
  #started = 0;

  constructor(engine: EngineName, keeper: TestKeeper, processes: EngineProcesses, shape: Shape, wanted: WantedSite) {
    this.#engine = engine;
    this.#keeper = keeper;
    this.#processes = processes;
    this.#shape = shape;
    this.#wanted = wanted;
    this.#slots = wanted.slots;
    this.parts = shape === "own-port" ? ["site-proxy"] : ["front", "site-proxy"];
  }

  async start(): Promise<void> {
    const bindings = this.#wanted.bindings ?? [{ name: "app.test", kind: "public", bindingPort: 80 }];
    const ports = [...new Set(bindings.map(({ bindingPort }) => bindingPort))].toSorted((a, b) => a - b);
    const bound = ports.map((bindingPort) => ({ bindingPort, ...this.#keeper.bindPort(this.#wanted.address) }));
    this.port = bound.find(({ bindingPort }) => bindingPort === 80)?.port ?? 0;
    this.securePort = bound.find(({ bindingPort }) => bindingPort === 443)?.port ?? 0;
    const listeners = bound.map(({ bindingPort, port }): ProxyListener => {
      return { bindingPort, address: this.#wanted.address ?? "127.0.0.1", port, tls: bindingPort === 443 };
    });
    const sockets = bound.map(({ bindingPort }, index): InheritedSocket => ({ fd: 3 + index, bindingPort }));
    const fds = bound.map(({ fd }) => fd);
    if (this.#shape === "own-port") {
      this.#plans.set("site-proxy", { settings: this.#siteProxy(bindings, { listeners, sockets }), fds });
    } else {
      const socket = this.#keeper.bindPath("site.sock");
      const behind = { listeners: [], sockets: [], siteSocketFd: 3 };
      this.#plans.set("site-proxy", { settings: this.#siteProxy(bindings, behind), fds: [socket.fd] });
      this.#plans.set("front", { settings: this.#front(bindings, listeners, sockets, socket.path), fds });
    }
    // All have to be known before one that failed ends the others.
    const started = await Promise.allSettled(
      this.parts.map(async (part) => this.#running.set(part, await this.#spawn(part, true))),
    );
    for (const part of started) if (part.status === "rejected") throw part.reason;
  }

  probeSocket(part: Part): string {
    return `${this.#of(part).dir}/probe.sock`;
  }

  async put(slots: WantedSite["slots"]): Promise<void> {
    this.#slots = slots;
    await this.#of("site-proxy").control.putSlots(slots);
  }

  status(part: Part = "site-proxy"): ReturnType<SiteUnderTest["status"]> {
    return this.#of(part).control.status();
  }

  counters(part: Part = "site-proxy"): ReturnType<SiteUnderTest["counters"]> {
    return this.#of(part).control.counters();
  }

  async replace(part: Part, order: { graceMs: number; limitMs: number }): Promise<{ ended: Promise<number | null> }> {
    const predecessor = this.#of(part);
    const successor = await this.#spawn(part, false);
    await successor.control.accept();
    this.#running.set(part, successor);
    await predecessor.control.drain(order);
    return { ended: predecessor.exited.then(this.#processes.endOf) };
  }

  async drain(part: Part, order: { graceMs: number; limitMs: number }): Promise<{ ended: Promise<number | null> }> {
    const { control, exited } = this.#of(part);
    await control.drain(order);
    return { ended: exited.then(this.#processes.endOf) };
  }

  async crash(part: Part, meanwhile?: (dir: string) => Promise<void>): Promise<void> {
    const { child, exited, dir } = this.#of(part);
    child.kill("SIGKILL");
    await exited;
    await meanwhile?.(dir);
    const id = dir.slice(this.#keeper.dir.length + 1);
    this.#running.set(part, await this.#processes.respawn(id, this.#plan(part).fds));
  }

  async accept(part: Part): Promise<void> {
    await this.#of(part).control.accept();
  }

  async residentBytes(): Promise<number> {
    const pids = await Promise.all([...this.#running.values()].map(this.#processes.pidsOf));
    const sizes = pids.flat().map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    });
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes[Symbol.asyncDispose]();
    await this.#keeper[Symbol.asyncDispose]();
  }

  #spawn(part: Part, accepting: boolean): Promise<SpawnedProxy> {
    const { settings, fds } = this.#plan(part);
    this.#started += 1;
    const slots = part === "front" ? ({ live: "hold" } as const) : this.#slots;
    return this.#processes.spawn(`${part}-${this.#started}`, settings, fds, { accepting, slots });
  }

  #siteProxy(
    bindings: readonly ProxyBinding[],
    sockets: { listeners: readonly ProxyListener[]; sockets: readonly InheritedSocket[]; siteSocketFd?: number },
  ): SiteProxyProcess {
    const { listeners, ...inherited } = sockets;
    return {
      kind: "site-proxy",
      host: "web-1",
      settingsDigest: "sha256:site",
      settings: {
        site: "shop",
        engine: this.#engine,
        listeners,
        behindFront: this.#shape === "shared-port",
        bindings,
        forward: this.#wanted.forward ?? { host: "preserve", internalName: "app.internal" },
        limits: this.#limits(),
      },
      ...inherited,
      probeToken,
    };
  }

  #front(
    bindings: readonly ProxyBinding[],
    listeners: readonly ProxyListener[],
    sockets: readonly InheritedSocket[],
    socketPath: string,
  ): FrontProcess {
    const routes = bindings.map((binding) => ({ ...binding, site: "shop" }));
    return {
      kind: "front",
      host: "web-1",
      settingsDigest: "sha256:front",
      settings: { engine: this.#engine, listeners, routes, limits: this.#limits() },
      sockets,
      sites: { shop: { socketPath, probeToken } },
    };
  }

  #limits(): ProxyLimits {
    return { ...defaultProxyLimits, ...(this.#wanted.limits as Partial<ProxyLimits>) };
  }

  #plan(part: Part): Plan {
    const plan = this.#plans.get(part);
    if (plan === undefined) throw new Error(`there is no ${part} in this shape`);
    return plan;
  }

  #of(part: Part): SpawnedProxy {
    const running = this.#running.get(part);
    if (running === undefined) throw new Error(`no ${part} runs`);
    return running;
  }
}
