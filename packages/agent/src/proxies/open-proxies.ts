import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CertificateSet, SilentProxy, UnitKey, UnitRelease } from "@sluice/core";
import { openProxyControl, type ProxyControl } from "@sluice/proxy/control/control-client";
import type { ProxyProcess } from "@sluice/proxy/settings/process-settings";
import { type Clock, writeFileDurably } from "@sluice/runtime";
import { CertificateCopies } from "../certificates/certificate-copies.ts";
import {
  type GivenCertificates,
  giveCertificates,
  readGiven,
  readGivenPair,
} from "../certificates/give-certificates.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { CountedProxy, CountsReading, Proxies, RunningProxy } from "../drivers.ts";
import type { ChildSpec, KeptChild } from "../keeper/keeper-api.ts";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { answerWithin } from "./answer-within.ts";
import { awaitControl } from "./await-control.ts";
import { parseProxyChildId, proxyChildId } from "./child-ids.ts";
import { EditedConfiguration } from "./edited-configuration.ts";
import { nextGeneration } from "./generations.ts";
import { HaproxyChildren } from "./haproxy/haproxy-children.ts";
import { type ProxyChildPlan, planProxyChild } from "./plan-proxy-child.ts";
import { runningProxy } from "./running-proxy.ts";
import { statusWithin } from "./status-within.ts";
import { sweepProxies } from "./sweep-proxies.ts";
import { keptFilesOf, WrittenFiles } from "./written-files.ts";

export interface ProxiesOptions {
  readonly keeper: KeeperClient;
  readonly dataDir: string;
  readonly host: string;
  readonly clock: Clock;
}

/** A healthy proxy answers in a millisecond; one that hangs must not hold up what the host says of the others. */
const statusMsMax = 1000;
/**
 * From the last answer to the end of the connection, for clients that keep theirs open. Who uses one just when it is closed as idle
 * loses a request, so it is longer than most clients and edges keep an idle one; a drain's own limit ends it sooner.
 */
const drainGraceMs = 10_000;
/** Beyond its own limit, before a draining process is ended by force. */
const drainSlackMs = 2000;
/** For a process that never served anybody. */
const refusedGraceMs = 500;

export interface HostProxies extends Proxies {
  /** Files by which processes are configured that are not as they were written. */
  edited(): Promise<readonly FoundDrift[]>;
  /** Removes copies of certificates but these and those of the processes that there are. */
  pruneCertificates(keep: ReadonlySet<string>): Promise<void>;
}

/** Site proxies and the front of this host, as children of the keeper. See {@link Proxies}. */
export function openProxies(options: ProxiesOptions): HostProxies {
  const host = new ProxyHost(options);
  return {
    list: () => host.list(),
    silent: (answering) => host.silent(answering),
    counts: () => host.counts(),
    startSuccessor: (unit, release, successor) => host.startSuccessor(unit, release, successor),
    probeSocket: ({ childId }) => join(host.folder(childId), "probe.sock"),
    accept: async ({ childId }) => void (await host.control(childId).accept()),
    putSlots: async ({ childId }, slots) => void (await host.control(childId).putSlots(slots)),
    drain: (proxy, limitMs) => host.drain(proxy, limitMs),
    remove: ({ childId }, graceMs) => host.remove(childId, graceMs),
    edited: () => host.edited(),
    pruneCertificates: (keep) => host.pruneCertificates(keep),
  };
}

/** A child of the keeper that is a proxy. */
interface ListedChild extends Pick<KeptChild, "id" | "phase"> {
  readonly unit: UnitKey;
  readonly generation: number;
}

type Successor = Parameters<Proxies["startSuccessor"]>[2];

class ProxyHost {
  readonly #options: ProxiesOptions;
  readonly #runDir: string;
  /** The newest of the numberings and of the sweeps: each kind goes one after another. */
  #numbering: Promise<unknown> = Promise.resolve();
  #sweeping: Promise<unknown> = Promise.resolve();
  #swept = false;
  readonly #haproxy = new HaproxyChildren();
  readonly #written: WrittenFiles;
  readonly #edited: EditedConfiguration;
  readonly #copies: CertificateCopies;
  /** Never changes for a process, and is asked for with every look. */
  readonly #given = new Map<string, GivenCertificates | undefined>();
  /** What the keeper knew at the newest look. */
  #listed: readonly ListedChild[] | undefined;
  /** Sockets and folders of processes that are being started: they look unused and are not. */
  readonly #preparing = new Set<readonly string[]>();

  constructor(options: ProxiesOptions) {
    const dataDir = resolve(options.dataDir);
    this.#options = { ...options, dataDir };
    this.#runDir = join(dataDir, "run");
    this.#written = new WrittenFiles(dataDir);
    this.#copies = new CertificateCopies(dataDir);
    this.#edited = new EditedConfiguration(this.#written, this.#copies);
  }

  folder(childId: string): string {
    return join(this.#runDir, childId);
  }

  control(childId: string): ProxyControl {
    const folder = this.folder(childId);
    return this.#haproxy.owns(folder) ? this.#haproxy.control(folder) : openProxyControl(join(folder, "control.sock"));
  }

  async list(): Promise<readonly RunningProxy[]> {
    if (!this.#swept) this.#sweepLater();
    const proxies = await this.#children();
    this.#listed = proxies;
    const answers = await Promise.all(
      proxies.map(({ id, unit }) =>
        statusWithin(this.control(id), statusMsMax)
          .then(async (status) => runningProxy(unit, id, status, await this.#givenTo(id)))
          .catch(() => undefined),
      ),
    );
    return answers.filter((proxy) => proxy !== undefined);
  }

  async pruneCertificates(keep: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#runDir).catch(() => []);
    const given = await Promise.all(names.map((name) => readGiven(this.folder(name))));
    const present = given.flatMap((one) => Object.values(one?.certificates ?? {}).map(({ digest }) => digest));
    await this.#copies.prune(new Set([...keep, ...present]));
  }

  async #givenTo(childId: string): Promise<GivenCertificates | undefined> {
    if (!this.#given.has(childId)) this.#given.set(childId, await readGiven(this.folder(childId)));
    return this.#given.get(childId);
  }

  async edited(): Promise<readonly FoundDrift[]> {
    const children = await this.#children();
    await this.#written.sweep(new Set([...children.map(({ id }) => id), ...[...this.#preparing].flat()]));
    const said = new Map((await this.list()).map((proxy) => [proxy.childId, proxy]));
    const kept = children.filter(isKept).map(({ id, unit }) => {
      const [folder, says] = [this.folder(id), said.get(id)];
      const proxy = { unit, childId: id, folder, isHaproxy: this.#haproxy.owns(folder) };
      if (says === undefined) return proxy;
      const { pid, accepting, draining, slots } = says;
      return { ...proxy, pid, says: { accepting, draining, slots } };
    });
    return [...(await this.#editedCopies(kept)), ...(await this.#edited.find(kept))];
  }

  /** Copies of certificates against what the processes were given. */
  async #editedCopies(proxies: readonly { readonly childId: string; readonly folder: string }[]) {
    const given = await Promise.all(
      proxies.map(async ({ childId, folder }) => [folder, await this.#givenTo(childId)] as const),
    );
    const places = given.flatMap(([folder, one]) =>
      Object.entries(one?.certificates ?? {}).map(([name, { digest }]) => ({ folder, name, digest })),
    );
    return this.#copies.edited(new Set(places.map(({ digest }) => digest)), async (digest) => {
      for (const place of places.filter((one) => one.digest === digest)) {
        const pair = await readGivenPair(place.folder, place.name, digest);
        if (pair !== undefined) return pair;
      }
      return undefined;
    });
  }

  async counts(): Promise<CountsReading> {
    const kept = (await this.#children()).filter(isKept);
    const answers = await Promise.all(kept.map(({ id, unit }) => this.#countsOf(unit, id)));
    const counted = answers.filter((answer) => answer !== undefined);
    const heard = new Set(counted.map(({ childId }) => childId));
    const silent = kept.filter(({ id }) => !heard.has(id)).map(({ id, unit }) => ({ unit, childId: id }));
    return { at: this.#options.clock.now(), counted, silent };
  }

  async #countsOf(unit: UnitKey, childId: string): Promise<CountedProxy | undefined> {
    try {
      const counts = await answerWithin(this.control(childId).counters(), statusMsMax, "what it counted");
      return { unit, childId, counts };
    } catch {
      return undefined;
    }
  }

  async silent(answering: readonly RunningProxy[]): Promise<readonly SilentProxy[]> {
    const heard = new Set(answering.map(({ childId }) => childId));
    const isSilent = (child: ListedChild): boolean => !heard.has(child.id) && isKept(child);
    // Of one that gave no answer the keeper is asked again: it may have ended meanwhile.
    if (this.#listed?.some(isSilent) === false) return [];
    const silent = (await this.#children()).filter(isSilent);
    return silent.map(({ id, unit, phase }) => ({ unit, childId: id, isDown: phase === "restarting" }));
  }

  /** The proxies that the keeper knows, oldest first. */
  async #children(): Promise<readonly ListedChild[]> {
    const { children } = await this.#options.keeper.status();
    return children
      .flatMap(({ id, phase }) => {
        const parsed = parseProxyChildId(id);
        return parsed === undefined ? [] : [{ id, phase, ...parsed }];
      })
      .sort((a, b) => a.generation - b.generation);
  }

  async startSuccessor(unit: UnitKey, release: UnitRelease, successor: Successor): Promise<RunningProxy> {
    const { slots, certificates, ...routing } = successor;
    const plan = planProxyChild(unit, release, { host: this.#options.host, runDir: this.#runDir, ...routing });
    const childId = await this.#nextChildId(unit);
    const mine = [childId, ...plan.sockets.map(({ name }) => name)];
    this.#preparing.add(mine);
    try {
      await this.#start(childId, plan, certificates);
      if (unit !== "front") await this.control(childId).putSlots(slots);
      return runningProxy(unit, childId, await this.control(childId).status(), await this.#givenTo(childId));
    } catch (error) {
      this.#preparing.delete(mine);
      await this.remove(childId, refusedGraceMs).catch(() => undefined);
      throw error;
    } finally {
      this.#preparing.delete(mine);
    }
  }

  async drain({ childId }: RunningProxy, limitMs: number): Promise<void> {
    await this.control(childId).drain({ graceMs: drainGraceMs, limitMs });
    // Told to go, the keeper does not start it again when it ends by itself; that outlives us.
    this.#removeLater(childId, Math.round(limitMs + drainSlackMs));
  }

  async remove(childId: string, graceMs: number): Promise<void> {
    await this.#options.keeper.removeChild(childId, Math.round(graceMs));
    this.#haproxy.forget(this.folder(childId));
    this.#given.delete(childId);
    await this.#sweep();
  }

  /** What fails here is made up for by the next sweep. */
  #removeLater(childId: string, graceMs: number): void {
    this.remove(childId, graceMs).catch(() => undefined);
  }

  /** An agent that was killed leaves things behind: its successor looks once. */
  #sweepLater(): void {
    this.#swept = true;
    this.#sweep().catch(() => undefined);
  }

  #nextChildId(unit: UnitKey): Promise<string> {
    const mine = this.#numbering.then(async () => {
      const { children } = await this.#options.keeper.status();
      return proxyChildId(
        unit,
        await nextGeneration(
          this.#runDir,
          children.map(({ id }) => id),
        ),
      );
    });
    this.#numbering = mine.catch(() => undefined);
    return mine;
  }

  async #start(childId: string, plan: ProxyChildPlan, certificates: CertificateSet | undefined): Promise<void> {
    const { keeper } = this.#options;
    // A sweep that began before us does not know what we need; later ones do.
    await this.#sweeping;
    for (const { name, spec } of plan.sockets) await keeper.ensureSocket(name, spec);
    await this.#writeSettings(childId, plan.settings, certificates);
    await this.#spawn(childId, plan);
    await awaitControl(childId, this.#options, this.control(childId));
  }

  async #writeSettings(childId: string, wanted: ProxyProcess, certificates: CertificateSet | undefined): Promise<void> {
    const folder = this.folder(childId);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { clock } = this.#options;
    const settings = await giveCertificates(folder, wanted, { copies: this.#copies, clock, wanted: certificates });
    const text = `${JSON.stringify(settings, undefined, 2)}\n`;
    await this.#written.keep(childId, text, keptFilesOf(folder, settings, await readGiven(folder)));
    await writeFileDurably(join(folder, "settings.json"), text);
  }

  async #spawn(childId: string, { sockets, settings }: ProxyChildPlan): Promise<void> {
    const folder = this.folder(childId);
    const order = settings.settings.engine === "haproxy" ? await this.#haproxy.prepare(folder) : embeddedProxy(folder);
    await this.#options.keeper.ensureChild(childId, {
      ...order,
      cwd: folder,
      sockets: sockets.map(({ name }) => name),
      restart: "on-exit",
    });
  }

  #sweep(): Promise<void> {
    const mine = this.#sweeping.then(() =>
      sweepProxies(this.#options.keeper, this.#runDir, new Set([...this.#preparing].flat())),
    );
    this.#sweeping = mine.catch(() => undefined);
    return mine;
  }
}

/** Running, or about to be again. */
const isKept = ({ phase }: Pick<KeptChild, "phase">): boolean => phase === "running" || phase === "restarting";

/** The embedded engine, as a process of its own. */
function embeddedProxy(folder: string): Pick<ChildSpec, "command" | "args" | "env"> {
  return {
    command: process.execPath,
    args: [fileURLToPath(import.meta.resolve("@sluice/proxy/start")), "--dir", folder],
    env: {},
  };
}
