import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CertificateSet,
  canonicalJson,
  defaultProxyLimits,
  durationMs,
  type Grant,
  type GrantProgress,
  type HostObservation,
  type Intent,
  instant,
  minutes,
  Problem,
  type SiteDuties,
  seconds,
  type UnitRelease,
} from "@sluice/core";
import { programRelease } from "@sluice/core/programs/program-release";
import { createManualClock, type ManualClock, sha256Text, writeFileDurably } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test, vi } from "vitest";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { OwnProgram } from "../drivers.ts";
import { openHostMemory, type WriteDurably } from "../ledger/host-memory.ts";
import { revertLocally, switchLocally } from "../local/break-glass.ts";
import { buildObservation } from "../observation/build-observation.ts";
import { grantOf, unitIntents } from "../testing/build-intent.ts";
import { type Reconciler, startReconciler } from "./start-reconciler.ts";
import { FakeHost } from "./testing/fake-host.ts";

const sealed = (unit: UnitRelease["unit"], version: string, content: UnitRelease["content"]): UnitRelease => ({
  unit,
  version,
  content,
  digest: sha256Text(canonicalJson(content)),
});

const site = (version: string): UnitRelease =>
  sealed("site:shop", version, {
    site: "shop",
    artifact: `sha256:${version}`,
    run: { driver: "process", command: ["node"], env: {} },
    ready: { path: "/", withinMs: seconds(10) },
  });

const one = site("1.0.0");
const two = site("2.0.0");
const proxy = sealed("proxy:shop", "settings 1", {
  site: "shop",
  engine: "node",
  listeners: [],
  behindFront: false,
  bindings: [{ name: "shop.internal", kind: "internal", bindingPort: 80 }],
  forward: { host: "preserve", internalName: "shop.internal" },
  limits: defaultProxyLimits,
});

const duties: SiteDuties = {
  site: "shop",
  forward: { host: "preserve" },
  drainMs: seconds(5),
  keepPreviousMs: minutes(30),
  probeEveryMs: seconds(5),
  probeToken: "token",
  probes: [{ path: "/", method: "GET", headers: {}, expect: [200], timeoutMs: seconds(1) }],
  bindings: [
    {
      name: "shop.internal",
      kind: "internal",
      bindingPort: 80,
      address: "127.0.0.1",
      port: 8080,
      tls: false,
      shared: false,
    },
  ],
};

interface Life {
  readonly agent: Reconciler;
  readonly observe: () => HostObservation | undefined;
  readonly glass: Parameters<typeof switchLocally>[0];
}

class Scene {
  readonly host = new FakeHost();
  readonly clock: ManualClock = createManualClock();
  readonly dataDir: string;
  /** Durable writes so far; the one with this number never returns: the agent ended there. */
  writes = 0;
  crashAt = Number.POSITIVE_INFINITY;
  full = false;
  /** What somebody did to processes, once for every look that found it. */
  readonly hands: FoundDrift[] = [];
  /** What was put back before it was started. */
  readonly healed: FoundDrift[] = [];
  /** Looks that have ended. */
  looks = 0;
  life: Life | undefined;
  #generation = 0;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  readonly #write: WriteDurably = async (path, text) => {
    if (this.full) throw new Problem("disk-full", `cannot write file '${path}': no space left`);
    await writeFileDurably(path, text);
    this.writes += 1;
    if (this.writes === this.crashAt) await new Promise(() => undefined);
  };

  async startAgent(): Promise<Life> {
    const { clock, host } = this;
    const memory = await openHostMemory({ dataDir: this.dataDir, write: this.#write });
    const agent = startReconciler({
      host: "web-1",
      drivers: host.drivers,
      memory,
      clock,
      log: openLog({ name: "agent", level: "silent" }),
      onChanged: () => undefined,
      onResults: () => undefined,
      onHandChanges: (found) => this.hands.push(...found),
      onHealed: (found) => this.healed.push(...found),
      onSwitched: () => undefined,
      onLooked: () => {
        this.looks += 1;
      },
    });
    const observe = () => {
      const { seen, waiting, remarks } = agent;
      if (seen === undefined) return undefined;
      const { ledger, intent } = memory;
      const now = clock.now();
      return buildObservation({
        host: "web-1",
        now,
        agent: { version: "1", startedAt: now },
        ledger,
        intent,
        seen,
        waiting,
        remarks,
        boot: { programs: [], unread: [] },
      });
    };
    this.life = { agent, observe, glass: { drivers: host.drivers, memory, clock } };
    return this.life;
  }

  /** The next agent takes over; of the last one nothing runs on, whatever it waits for. */
  async restartAgent(): Promise<Life> {
    const { agent } = this.life ?? {};
    const ended = agent?.[Symbol.asyncDispose]();
    if (this.writes < this.crashAt) await ended;
    return this.startAgent();
  }

  intent(
    proven: readonly UnitRelease[],
    granted: readonly UnitRelease[],
    over: Partial<Grant> = {},
    more: Partial<Intent["body"]> = {},
  ): Intent {
    this.#generation += 1;
    const units = unitIntents(proven, granted);
    const grant: Grant = { ...grantOf("g2", granted, this.clock.now()), ...over };
    const body = {
      environment: "production",
      unconfirmed: "revert",
      sites: [duties],
      units,
      grants: granted.length === 0 ? [] : [grant],
      ...more,
    } as const;
    return { host: "web-1", generation: this.#generation, fence: 1, body, digest: sha256Text(canonicalJson(body)) };
  }

  progress(grant: string): GrantProgress | undefined {
    return this.life?.observe()?.grants.find((seen) => seen.grant === grant)?.progress;
  }

  /** Lets time pass until it is so; file work in between takes real moments. */
  async until(what: string, isSo: () => boolean, withinMs = 300_000): Promise<void> {
    for (let passed = 0; passed <= withinMs; passed += 250) {
      for (let turn = 0; turn < 4; turn += 1) {
        if (isSo()) return;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await this.clock.advance(durationMs(250));
    }
    const { served, acted } = this.host;
    throw new Error(`never ${what}: ${JSON.stringify({ served, acted, seen: this.life?.observe() })}`);
  }
}

async function openScene(): Promise<Scene> {
  const dataDir = await mkdtemp(join(tmpdir(), "sluice-agent-"));
  const scene = new Scene(dataDir);
  onTestFinished(async () => {
    scene.crashAt = Number.POSITIVE_INFINITY;
    const ended = scene.life?.agent[Symbol.asyncDispose]();
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  });
  return scene;
}

/** A host on which 1.0.0 is proven and live. */
async function healthyScene(files?: CertificateSet): Promise<Scene> {
  const scene = await openScene();
  scene.host.files = files;
  const { agent } = await scene.startAgent();
  await agent.obey(scene.intent([], [one, proxy], { id: "g1" }));
  await scene.until("provisional", () => scene.progress("g1")?.kind === "provisional");
  await agent.obey(scene.intent([one, proxy], []));
  await scene.until("settled", () => Object.keys(scene.life?.glass.memory.ledger.activations ?? {}).length === 0);
  return scene;
}

test("a grant is carried out and its release becomes proven when confirmed", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  expect(scene.host.slots.map(({ version }) => version).sort()).toEqual(["1.0.0", "2.0.0"]);
  await scene.life?.agent.obey(scene.intent([two, proxy], []));
  await scene.until("one slot left", () => scene.host.slots.length === 1);
  expect(scene.host.served).toEqual(["nobody", "1.0.0", "2.0.0"]);
  expect(scene.life?.observe()?.units.find(({ unit }) => unit === "site:shop")?.proven).toBe(two.digest);
});

test("an intent of lower generation or fence is refused with both numbers, an equal one changes nothing", async () => {
  const scene = await healthyScene();
  const old = scene.intent([one, proxy], []);
  const newer = { ...scene.intent([one, proxy], []), fence: 3 };
  const agent = scene.life?.agent;
  expect((await agent?.obey(newer))?.verdict).toBe("apply");
  expect(await agent?.obey({ ...old, fence: 3 })).toMatchObject({
    verdict: "stale",
    sentence: "intent 3 is older than 4, which is obeyed here; keeping that",
  });
  expect((await agent?.obey({ ...newer, fence: 2, generation: 9 }))?.verdict).toBe("stale-fence");
  expect((await agent?.obey(newer))?.verdict).toBe("already-applied");
  expect((await agent?.obey({ ...newer, digest: "sha256:other" }))?.verdict).toBe("conflicting");
});

test("an older intent that comes while a newer one is being kept, as from a session that is over, does not come to lie on it", async () => {
  const scene = await healthyScene();
  const older = scene.intent([one, proxy], []);
  const newer = scene.intent([one, proxy], [two]);
  const judgements = await Promise.all([newer, older].map((intent) => scene.life?.agent.obey(intent)));
  expect(judgements.map((judgement) => judgement?.verdict)).toEqual(["apply", "stale"]);
  expect(scene.life?.glass.memory.intent?.generation).toBe(newer.generation);
});

test("an intent that can't be kept is not obeyed, and is obeyed once there is room again", async () => {
  const scene = await healthyScene();
  scene.full = true;
  const judgement = await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  expect(judgement?.sentence).toContain("not obeyed, traffic stays as it is");
  await scene.clock.advance(seconds(5));
  expect(scene.host.live()).toBe("1.0.0");
  expect(scene.life?.observe()?.remarks.join()).toContain("no space left");
  scene.full = false;
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
});

test("a bad release never gets traffic and its outcome is told until the grant is gone", async () => {
  const scene = await healthyScene();
  scene.host.failing.set("2.0.0", "slot");
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("failed", () => scene.progress("g2")?.kind === "failed");
  expect(scene.progress("g2")).toMatchObject({ touchedTraffic: false, failure: "probes-before" });
  await scene.restartAgent();
  await scene.until("told again", () => scene.progress("g2")?.kind === "failed");
  expect(scene.host.served).toEqual(["nobody", "1.0.0"]);
});

test("an agent that ends after any durable write of an activation is taken over by the next one without a wrong turn", {
  timeout: 120_000,
}, async () => {
  for (let crash = 1; crash < 40; crash += 1) {
    const scene = await healthyScene();
    const granted = scene.intent([one, proxy], [two]);
    scene.crashAt = scene.writes + crash;
    void scene.life?.agent.obey(granted);
    await scene.until(
      "crashed or provisional",
      () => scene.writes >= scene.crashAt || scene.progress("g2")?.kind === "provisional",
    );
    const crashed = scene.writes >= scene.crashAt;
    if (!crashed) return expect(crash).toBeGreaterThan(5);
    const { agent } = await scene.restartAgent();
    scene.crashAt = Number.POSITIVE_INFINITY;
    await agent.obey(granted);
    await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
    expect(scene.host.served, `after write ${crash}`).toEqual(["nobody", "1.0.0", "2.0.0"]);
    await agent.obey(scene.intent([two, proxy], []));
    await scene.until("one slot left", () => scene.host.slots.length === 1);
    expect(scene.host.live()).toBe("2.0.0");
  }
  throw new Error("an activation takes fewer than 40 durable writes");
});

test("after a power cut the proven release comes back without any coordinator", async () => {
  const scene = await healthyScene();
  await scene.life?.agent[Symbol.asyncDispose]();
  scene.host.powerCut();
  await scene.startAgent();
  await scene.until("live", () => scene.host.live() === "1.0.0");
});

test("after a power cut a provisional release does not come back: its grant is reported interrupted", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.life?.agent[Symbol.asyncDispose]();
  scene.host.powerCut();
  await scene.startAgent();
  await scene.until("live", () => scene.host.live() === "1.0.0");
  await scene.until("reported", () => scene.progress("g2")?.kind === "failed");
  expect(scene.progress("g2")).toMatchObject({ failure: "interrupted" });
  expect(scene.host.served.slice(-2)).toEqual(["nobody", "1.0.0"]);
});

test("what the forecast says before a power cut comes true after it: nothing at rest, and the end of a trial", async () => {
  const scene = await healthyScene();
  const forecast = () => scene.life?.observe()?.atBoot?.map(({ sentence }) => sentence);
  scene.host.installed.add(two.digest);
  expect(forecast()).toEqual([]);
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  expect(forecast()).toEqual([
    "site shop 1.0.0 would run, which is proven here; 2.0.0 runs now (on trial by grant g2)",
  ]);
  scene.host.powerCut();
  await scene.restartAgent();
  await scene.until("served again", () => scene.host.live() === "1.0.0");
  await scene.until("at rest", () => forecast()?.length === 0);
  expect(scene.host.installed.has(two.digest)).toBe(true);
  expect(scene.host.served.slice(-2)).toEqual(["nobody", "1.0.0"]);
});

test("an agent that restarts while a release is provisional goes on with it", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.restartAgent();
  await scene.clock.advance(seconds(5));
  await scene.until("seen", () => scene.progress("g2")?.kind === "provisional");
  expect(scene.host.live()).toBe("2.0.0");
});

test("a corrupt ledger switches nothing, says so, and asks for the intent again", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.life?.agent[Symbol.asyncDispose]();
  await writeFile(join(scene.dataDir, "agent", "ledger.json"), "{ half");
  const { agent, observe } = await scene.startAgent();
  await scene.clock.advance(seconds(10));
  await scene.until("seen", () => observe() !== undefined);
  expect(agent.wantsIntent).toBe(true);
  expect(observe()?.remarks.join()).toContain("ledger.json");
  expect(scene.host.live()).toBe("2.0.0");
  expect(await readFile(join(scene.dataDir, "agent", "ledger.json.corrupt"), "utf8")).toBe("{ half");
});

test("a corrupt intent is reported, what is proven keeps running, and the intent is wanted again", async () => {
  const scene = await healthyScene();
  await scene.life?.agent[Symbol.asyncDispose]();
  await writeFile(join(scene.dataDir, "agent", "intent.json"), "[]");
  scene.host.powerCut();
  const { agent } = await scene.startAgent();
  await scene.until("live", () => scene.host.live() === "1.0.0");
  expect(agent.wantsIntent).toBe(true);
});

test("a unit that the intent no longer names is drained and ended", async () => {
  const scene = await healthyScene();
  const { body, ...rest } = scene.intent([one, proxy], []);
  const none = { ...body, sites: [], units: [] };
  await scene.life?.agent.obey({ ...rest, body: none, digest: sha256Text(canonicalJson(none)) });
  await scene.until("gone", () => scene.host.slots.length === 0 && scene.host.proxies.length === 0);
  const ends = scene.host.acted.filter((what) => /^(drain|stop)/.test(what));
  expect(ends.map((what) => what.split(" ")[0])).toEqual(["drain", "stop"]);
});

test("a break-glass switch is reported as drift and left alone until the coordinator speaks of that unit", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.life?.agent.obey(scene.intent([two, proxy], []));
  await scene.until("settled", () => Object.keys(scene.life?.glass.memory.ledger.activations ?? {}).length === 0);
  const { glass, agent, observe } = scene.life ?? (await scene.startAgent());
  await switchLocally(glass, "shop", { by: "kari", reason: "2.0.0 loses orders" });
  expect(scene.host.live()).toBe("1.0.0");
  await scene.clock.advance(seconds(20));
  await scene.until("drift is told", () => JSON.stringify(observe()?.units).includes("by kari: 2.0.0 loses orders"));
  expect(scene.host.live()).toBe("1.0.0");
  await revertLocally(glass, "site:shop", { by: "kari", reason: "false alarm" });
  agent.wake();
  await scene.until("healed", () => scene.host.live() === "2.0.0");
});

/** A host on which 2.0.0 is proven and live, and somebody has started 1.0.0 beside it and led users there. */
async function switchedByHand(more: Partial<Intent["body"]> = {}): Promise<Scene> {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two], {}, more));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.life?.agent.obey(scene.intent([two, proxy], [], {}, more));
  await scene.until("settled", () => Object.keys(scene.life?.glass.memory.ledger.activations ?? {}).length === 0);
  await scene.clock.advance(seconds(10));
  const { slots, proxies } = scene.host.drivers;
  const live = scene.host.slots[0]?.slot;
  const idle = live === "blue" ? "green" : "blue";
  const { target } = await slots.start("shop", idle, one, duties);
  for (const seen of await proxies.list()) await proxies.putSlots(seen, { ...seen.slots, live: idle, [idle]: target });
  expect(scene.host.live()).toBe("1.0.0");
  return scene;
}

test("a switch by hand is noticed with what differs, and users are led back to what is proven", async () => {
  const scene = await switchedByHand();
  await scene.until("led back", () => scene.host.live() === "2.0.0");
  await scene.until("ended", () => scene.host.slots.length === 1);
  expect(scene.hands).not.toEqual([]);
  expect(new Set(scene.hands.map(({ kind, expected, found }) => `${kind}: ${found} instead of ${expected}`))).toEqual(
    new Set(["slot-switched: 1.0.0 in blue instead of 2.0.0 in green"]),
  );
});

test("a proxy that is led to another address under the copy's name is noticed, and led back; where that is reported it is left", async () => {
  for (const siteDrift of [{}, { shop: "report" } as const]) {
    const scene = await healthyScene();
    await scene.life?.agent.obey(scene.intent([one, proxy], [], {}, { siteDrift }));
    await scene.clock.advance(seconds(10));
    const [seen] = await scene.host.drivers.proxies.list();
    const { slot = "blue", target } = scene.host.slots[0] ?? {};
    if (seen === undefined || target === undefined) throw new Error("nothing runs");
    await scene.host.drivers.proxies.putSlots(seen, { ...seen.slots, [slot]: { ...target, port: target.port + 1 } });
    await scene.until("noticed", () => scene.hands.length > 0);
    expect(scene.hands[0]).toMatchObject({
      kind: "slot-switched",
      about: "site:shop",
      found: `what is at ${target.host}:${target.port + 1}`,
    });
    await scene.clock.advance(seconds(20));
    const led = scene.host.proxies[0]?.slots[slot]?.port;
    expect(led).toBe("shop" in siteDrift ? target.port + 1 : target.port);
  }
});

test("every look is a sign of life, whatever comes of it, and a look that hangs is none", async () => {
  const scene = await healthyScene();
  const { slots } = scene.host.drivers;
  Object.assign(slots, { list: () => Promise.reject(new Error("the keeper is away")) });
  const before = scene.looks;
  await scene.until("looked in vain", () => scene.looks > before + 2);
  const hang = Promise.withResolvers<readonly []>();
  onTestFinished(() => hang.resolve([]));
  Object.assign(slots, { list: () => hang.promise });
  await scene.clock.advance(seconds(10));
  const hanging = scene.looks;
  await scene.clock.advance(seconds(60));
  expect(scene.looks).toBe(hanging);
});

test("what was installed and edited before its grant is put back before it goes live, and told", async () => {
  const scene = await healthyScene();
  const calls: string[] = [];
  const heal = async () => void calls.push("put back");
  const drift = { kind: "release-edited", about: "site:shop", where: "index.js", expected: "a", found: "b" } as const;
  scene.host.edited.set(two.digest, [{ ...drift, heal }]);
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  expect(calls).toEqual(["put back"]);
  expect(scene.healed).toMatchObject([drift]);
});

test("where drift is only reported, what was edited before its grant does not go live, and users notice nothing", async () => {
  const scene = await healthyScene();
  const drift = { kind: "release-edited", about: "site:shop", where: "index.js", expected: "a", found: "b" } as const;
  const served = [...scene.host.served];
  scene.host.edited.set(two.digest, [{ ...drift, heal: async () => expect.unreachable("it was put back") }]);
  await scene.life?.agent.obey(scene.intent([one, proxy], [two], {}, { drift: "report" }));
  await scene.until("refused", () => scene.progress("g2")?.kind === "failed");
  expect(JSON.stringify(scene.progress("g2"))).toContain("index.js is b, expected a");
  expect(scene.host.live()).toBe("1.0.0");
  expect(scene.host.served).toEqual(served);
});

test("a program of the agent that was edited before its grant is put back before anybody asks it what it is", async () => {
  const scene = await healthyScene();
  const before = programRelease("agent", "1.0.0", undefined, sha256Text);
  const next = programRelease(
    "agent",
    "2.0.0",
    { artifact: `sha256:${"a".repeat(64)}`, entry: "main.mjs" },
    sha256Text,
  );
  const calls: string[] = [];
  const drift = { kind: "release-edited", about: "agent", where: "main.mjs", expected: "a", found: "b" } as const;
  scene.host.edited.set(next.digest, [{ ...drift, heal: async () => void calls.push("put back") }]);
  const own = { digest: before.digest, version: "1.0.0", pid: 1, startedAtMs: scene.clock.now(), trialEnds: {} };
  const program: OwnProgram = {
    seen: async () => own,
    file: async () => ({ version: 1 }),
    write: async () => undefined,
    askVersion: async ({ version }) => {
      calls.push("asked");
      return version;
    },
  };
  Object.assign(scene.host.drivers, { program });
  await scene.life?.agent.obey(scene.intent([one, proxy, before], [next]));
  await scene.until("asked", () => calls.includes("asked"));
  expect(calls.slice(0, 2)).toEqual(["put back", "asked"]);
  expect(scene.healed).toMatchObject([drift]);
});

test("a copy that somebody starts beside the proven one is noticed, and ended", async () => {
  const scene = await healthyScene();
  await scene.clock.advance(seconds(10));
  await scene.host.drivers.slots.start("shop", scene.host.slots[0]?.slot === "blue" ? "green" : "blue", two, duties);
  await scene.until("ended", () => scene.host.slots.length === 1 && scene.hands.length > 0);
  expect(scene.hands).toMatchObject([
    { kind: "process-started", about: "site:shop", found: "2.0.0 in green", expected: "no process" },
  ]);
  expect(scene.host.live()).toBe("1.0.0");
});

test("where drift of a site is only reported, a switch by hand is told and left until the coordinator speaks of that unit", async () => {
  const scene = await switchedByHand({ siteDrift: { shop: "report" } });
  await scene.clock.advance(seconds(20));
  await scene.until("told", () => JSON.stringify(scene.life?.observe()?.units).includes("was switched by hand"));
  expect(scene.host.live()).toBe("1.0.0");
  expect(scene.hands.at(-1)).toMatchObject({ kind: "slot-switched", about: "site:shop", found: "1.0.0 in blue" });
});

test("a copy and a proxy that are taken away are noticed once each, and come back", async () => {
  const scene = await healthyScene();
  await scene.clock.advance(seconds(10));
  const blue = scene.host.slots[0];
  scene.host.slots = [];
  await scene.until("back", () => scene.host.slots.length === 1);
  expect(scene.hands).toMatchObject([
    { kind: "process-stopped", about: "site:shop", where: blue?.slot, expected: "1.0.0 in blue", found: "no process" },
  ]);
  const [gone] = scene.host.proxies;
  scene.host.proxies = [];
  await scene.until("back", () => scene.host.proxies.some(({ accepting }) => accepting));
  expect(scene.hands.at(-1)).toMatchObject({ kind: "process-stopped", about: "proxy:shop", where: gone?.childId });
  await scene.clock.advance(seconds(20));
  const told = scene.hands.length;
  await scene.clock.advance(seconds(20));
  expect(scene.hands).toHaveLength(told);
});

test("neither an activation nor a switch on the host itself is anybody's hand", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  await scene.life?.agent.obey(scene.intent([two, proxy], []));
  await scene.until("settled", () => Object.keys(scene.life?.glass.memory.ledger.activations ?? {}).length === 0);
  const { glass } = scene.life ?? (await scene.startAgent());
  await switchLocally(glass, "shop", { by: "kari", reason: "2.0.0 loses orders" });
  await scene.clock.advance(seconds(20));
  scene.host.powerCut();
  scene.host.news?.lost();
  await scene.until("back", () => scene.host.live() !== undefined);
  expect(scene.hands).toEqual([]);
});

test("a provisional release is taken back on the host itself", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  const { glass } = scene.life ?? (await scene.startAgent());
  await revertLocally(glass, "site:shop", { by: "ola", reason: "basket empty" });
  await scene.until("back", () => scene.host.live() === "1.0.0");
  await scene.until("told", () => scene.progress("g2")?.kind === "withdrawn");
});

test("a proxy that is gone for good is started again with what is proven", async () => {
  const scene = await healthyScene();
  scene.host.proxies = [];
  await scene.until("live", () => scene.host.live() === "1.0.0");
});

test("what happens to a process is looked at when it is told of, not at the next look", async () => {
  const scene = await healthyScene();
  const { agent } = scene.life ?? (await scene.startAgent());
  scene.host.proxies = [];
  scene.host.news?.moved();
  await vi.waitFor(() => expect(agent.seen?.proxies).toEqual([]));
});

test("when all ends while the agent lives on, what is proven comes back at once and what was provisional does not", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  scene.host.powerCut();
  scene.host.news?.lost();
  await vi.waitFor(() => expect(scene.host.live()).toBe("1.0.0"));
  await scene.until("reported", () => scene.progress("g2")?.kind === "failed");
  expect(scene.progress("g2")).toMatchObject({ failure: "interrupted" });
  expect(scene.host.served.slice(-2)).toEqual(["nobody", "1.0.0"]);
});

test("a keeper that is replaced while all processes live on changes nothing", async () => {
  const scene = await healthyScene();
  await scene.life?.agent.obey(scene.intent([one, proxy], [two]));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  scene.host.news?.lost();
  await scene.clock.advance(seconds(5));
  await scene.until("still provisional", () => scene.progress("g2")?.kind === "provisional");
  expect(scene.host.live()).toBe("2.0.0");
});

const certified = (digest: string): CertificateSet => ({ shop: { digest, validUntil: instant(0) } });

/** Presents `old`, and `renewed` lies in the files. */
async function renewedScene(): Promise<Scene> {
  const scene = await healthyScene(certified("old"));
  scene.host.files = certified("renewed");
  return scene;
}

const presented = ({ host }: Scene) =>
  host.proxies.filter(({ accepting }) => accepting).map(({ certificates }) => certificates);

test("a power cut brings back the certificate that was proven, whatever lies in its files", async () => {
  const scene = await renewedScene();
  scene.host.powerCut();
  await scene.restartAgent();
  await scene.until("back", () => scene.host.live() === "1.0.0");
  expect(presented(scene)).toEqual([certified("old")]);
});

test("a restart that is confirmed makes the renewed certificate the proven one; one that is not goes back", async () => {
  const scene = await renewedScene();
  const restart = { kind: "restart" } as const;
  await scene.life?.agent.obey(scene.intent([one, proxy], [proxy], restart));
  await scene.until("provisional", () => scene.progress("g2")?.kind === "provisional");
  expect(presented(scene)).toEqual([certified("renewed")]);
  scene.host.powerCut();
  await scene.restartAgent();
  await scene.until("back", () => scene.progress("g2")?.kind === "failed" && scene.host.live() === "1.0.0");
  expect(presented(scene), "it was on trial").toEqual([certified("old")]);
  const again = { id: "g3", ...restart };
  await scene.life?.agent.obey(scene.intent([one, proxy], [proxy], again));
  await scene.until("provisional", () => scene.progress("g3")?.kind === "provisional");
  await scene.life?.agent.obey(scene.intent([one, proxy], []));
  await scene.until("settled", () => scene.life?.glass.memory.ledger.activations["g3"] === undefined);
  await scene.until("pruned", () => scene.host.keptCopies.size === 2);
  expect([...scene.host.keptCopies], "with the one to go back to").toEqual(["old", "renewed"]);
  scene.host.files = certified("broken");
  scene.host.powerCut();
  await scene.restartAgent();
  await scene.until("back", () => scene.host.live() === "1.0.0");
  expect(presented(scene)).toEqual([certified("renewed")]);
  await scene.life?.agent.obey(scene.intent([one, proxy], [proxy], { id: "g4", kind: "revert" }));
  await scene.until("taken back", () => scene.progress("g4")?.kind === "provisional");
  expect(presented(scene)).toEqual([certified("old")]);
});

test("what the intent holds is put on disk before any grant, and nothing of it comes to users, whoever ends", async () => {
  const scene = await healthyScene();
  const held = scene.intent([one, proxy], []);
  const units = held.body.units.map((unit) =>
    unit.unit === "site:shop" ? { ...unit, desired: two.digest, hold: [...unit.hold, two] } : unit,
  );
  const body = { ...held.body, units };
  await scene.life?.agent.obey({ ...held, body, digest: sha256Text(canonicalJson(body)) });
  await scene.until("installed", () => scene.host.installed.has(two.digest));
  await scene.restartAgent();
  const shop = () => scene.life?.observe()?.units.find(({ unit }) => unit === "site:shop");
  await scene.until("told", () => shop()?.installed.includes(two.digest) === true);
  expect(shop()).toMatchObject({ desired: two.digest, proven: one.digest, running: { digest: one.digest } });
  expect(scene.host.served).toEqual(["nobody", "1.0.0"]);
});

test("a held release that can't be installed is told of, tried again after a while, and forgotten when it is held no more", async () => {
  const scene = await healthyScene();
  const { ensureInstalled } = scene.host.drivers.installer;
  let tries = 0;
  let isBroken = true;
  Object.assign(scene.host.drivers.installer, {
    ensureInstalled: async (release: UnitRelease, signal: AbortSignal) => {
      tries += 1;
      if (isBroken) throw new Problem("disk-full", "cannot download: no space left");
      await ensureInstalled(release, signal);
    },
  });
  const held = scene.intent([one, proxy], []);
  const units = held.body.units.map((unit) =>
    unit.unit === "site:shop" ? { ...unit, hold: [...unit.hold, two] } : unit,
  );
  const body = { ...held.body, units };
  await scene.life?.agent.obey({ ...held, body, digest: sha256Text(canonicalJson(body)) });
  const remarks = () => scene.life?.observe()?.remarks.join() ?? "";
  await scene.until("told", () => remarks().includes("no space left"));
  await scene.clock.advance(seconds(20));
  expect(tries).toBe(1);
  isBroken = false;
  await scene.until("installed", () => scene.host.installed.has(two.digest));
  await scene.until("over", () => remarks() === "");
  expect(tries).toBe(2);
});
