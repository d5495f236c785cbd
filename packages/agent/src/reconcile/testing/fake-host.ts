import type { CertificateSet, ProbeOutcome, ProbeResult, SlotTable, UnitRelease } from "@sluice/core";
import { instant, questionsOn } from "@sluice/core";
import type { FoundDrift } from "../../drift/start-drift-watch.ts";
import type { ProbeTarget, ProcessNews, RunningProxy, RunningSlot } from "../../drivers.ts";
import type { HostDrivers } from "../host-drivers.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Processes of a host in memory: they outlive any agent that works on them. */
export class FakeHost {
  readonly installed = new Set<string>();
  /** What somebody edited in installed releases, by their digest. */
  readonly edited = new Map<string, readonly FoundDrift[]>();
  slots: Writable<RunningSlot>[] = [];
  proxies: Writable<RunningProxy>[] = [];
  /** What users of `shop` would have been answered by, each time it changed; "nobody" when nothing accepts. */
  readonly served: string[] = [];
  readonly acted: string[] = [];
  /** Releases (by version) whose probes fail, and on which hop. */
  readonly failing = new Map<string, ProbeTarget["hop"]>();
  /** What lies in the files of certificates; absent: no proxy presents any. */
  files: CertificateSet | undefined;
  /** Copies of certificates that were asked to be kept last. */
  keptCopies: ReadonlySet<string> = new Set();
  /** Who is told of what happens to processes. */
  news: ProcessNews | undefined;
  #count = 0;

  readonly drivers: HostDrivers = {
    installer: {
      ensureInstalled: async ({ digest }) => {
        this.installed.add(digest);
      },
      installed: async () => [...this.installed],
      editedIn: async ({ digest }) => this.edited.get(digest) ?? [],
      prune: async (keep) => {
        for (const digest of this.installed) if (!keep.has(digest)) this.installed.delete(digest);
      },
    },
    slots: {
      list: async () => this.slots.map((seen) => ({ ...seen })),
      start: async (site, slot, release) => this.#start(site, slot, release),
      awaitReady: async () => undefined,
      stop: async (site, slot) => {
        this.#did(`stop ${site} ${slot}`);
        this.slots = this.slots.filter((seen) => seen.site !== site || seen.slot !== slot);
      },
    },
    proxies: {
      list: async () => this.proxies.map((seen) => ({ ...seen })),
      silent: async () => [],
      counts: async () => ({ at: instant(Date.now()), counted: [], silent: [] }),
      startSuccessor: async (unit, release, successor) => this.#startProxy(unit, release, successor),
      probeSocket: ({ childId }) => `/run/${childId}/probe.sock`,
      accept: async (proxy) => this.#change(proxy, "accept", (seen) => ({ ...seen, accepting: true })),
      putSlots: async (proxy, slots) => this.#change(proxy, `put-slots ${slots.live}`, (seen) => ({ ...seen, slots })),
      drain: async (proxy) => {
        this.#did(`drain ${proxy.childId}`);
        this.proxies = this.proxies.filter(({ childId }) => childId !== proxy.childId);
      },
      remove: async (proxy) => {
        this.#did(`remove ${proxy.childId}`);
        this.proxies = this.proxies.filter(({ childId }) => childId !== proxy.childId);
      },
    },
    pruneCertificates: async (keep) => {
      this.keptCopies = keep;
    },
    findRenewals: () => [],
    readBootFacts: async () => ({ programs: [], unread: [] }),
    lookForEdits: async () => [],
    watch: (news) => {
      this.news = news;
      return { done: new Promise(() => undefined), [Symbol.asyncDispose]: async () => undefined };
    },
    prober: {
      round: async (duties, target) => {
        const version = this.#answering(target);
        const hop = this.failing.get(version ?? "nobody");
        const outcome: ProbeOutcome =
          version === undefined || hop === target.hop
            ? { kind: "bad", status: 400, reason: "answered 400 (expected 200)" }
            : { kind: "good", status: 200 };
        return questionsOn(duties, target.hop).map(
          (question): ProbeResult => ({ ...question, host: "web-1", at: instant(0), tookMs: 1, outcome }),
        );
      },
    },
  };

  /** The version that users of `shop` meet. */
  live(): string | undefined {
    const proxy = this.proxies.findLast((seen) => seen.unit === "proxy:shop" && seen.accepting && !seen.draining);
    return this.slots.find(({ slot }) => slot === proxy?.slots.live)?.version;
  }

  /** Everything ends, as at a power cut; the disk stays. */
  powerCut(): void {
    this.slots = [];
    this.proxies = [];
    this.served.push("nobody");
  }

  #answering(target: ProbeTarget): string | undefined {
    if (target.hop === "slot") return this.slots.find(({ digest }) => digest === target.target.release)?.version;
    if (!("probeSocket" in target)) return this.live();
    const proxy = this.proxies.find(({ childId }) => target.probeSocket.includes(childId));
    return this.slots.find(({ slot }) => slot === proxy?.slots.live)?.version;
  }

  #did(what: string): void {
    this.acted.push(what);
    const now = this.live() ?? "nobody";
    if (this.served.at(-1) !== now) this.served.push(now);
  }

  #start(site: string, slot: "blue" | "green", release: UnitRelease): RunningSlot {
    const running = this.slots.find((seen) => seen.site === site && seen.slot === slot);
    if (running?.digest === release.digest) return running;
    this.#count += 1;
    const { digest, version } = release;
    const target = { host: "127.0.0.1", port: 4000 + this.#count, release: digest };
    const started = { site, slot, digest, version, target, pid: this.#count, startedAtMs: 0, alive: true, restarts: 0 };
    this.slots = [...this.slots.filter((seen) => seen !== running), started];
    this.#did(`start ${version} ${slot}`);
    return started;
  }

  #startProxy(
    unit: RunningProxy["unit"],
    { digest }: UnitRelease,
    { slots, certificates = this.files }: { readonly slots: SlotTable; readonly certificates?: CertificateSet },
  ): RunningProxy {
    this.#count += 1;
    const started: RunningProxy = {
      unit,
      childId: `${unit}-${this.#count}`,
      digest,
      build: "1",
      pid: this.#count,
      startedAtMs: 0,
      accepting: false,
      draining: false,
      slots,
      open: { blue: 0, green: 0 },
      remarks: [],
      ...(certificates === undefined ? {} : { certificates }),
    };
    this.proxies.push(started);
    this.#did(`start-successor ${unit}`);
    return started;
  }

  #change(proxy: RunningProxy, what: string, change: (seen: RunningProxy) => RunningProxy): void {
    this.proxies = this.proxies.map((seen) => (seen.childId === proxy.childId ? change(seen) : seen));
    this.#did(`${what} ${proxy.childId}`);
  }
}
