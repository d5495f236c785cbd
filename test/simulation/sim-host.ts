import { emptyLedger, type Ledger, ledgerSchema } from "@sluice/agent/ledger/ledger";
import { unsettled } from "@sluice/agent/reconcile/live-units";
import { processesOf } from "@sluice/agent/reconcile/processes";
import { agentUnit, type Instant, type Intent, instant, type ProbeResult, type UnitKey } from "@sluice/core";
import type { History } from "./history.ts";
import { HostPromises, type HostTruth } from "./host-promises.ts";
import { misbehave } from "./misbehave.ts";
import type { Promises } from "./promises.ts";
import { beatMs, type Report } from "./report.ts";
import { SimAgent } from "./sim-agent.ts";
import { SimCrashes } from "./sim-crashes.ts";
import { type Full, SimDisk } from "./sim-disk.ts";
import { SimKeeper } from "./sim-keeper.ts";
import { SimMachine } from "./sim-machine.ts";
import { SimOrders } from "./sim-orders.ts";
import { certificatesWith, firstPair } from "./sim-pairs.ts";
import { SimProber } from "./sim-prober.ts";
import { SimReboots } from "./sim-reboots.ts";
import { type RunningProgram, SimWatchdog } from "./sim-watchdog.ts";
import { dutiesOf, firstProgram, simulatedRelease, sitesOf } from "./simulated-fleet.ts";

const preparing: readonly string[] = [
  "installing",
  "starting",
  "awaiting-ready",
  "starting-successors",
  "probing-before",
  "switching",
  "probing-after",
];

interface Origin {
  readonly fromBackup: boolean;
  /** It says more than the backup that is out of use now. */
  readonly isSinceBackup: boolean;
}

export interface HostPorts {
  readonly send: (report: Report) => void;
  readonly isOver: (rollout: string) => boolean;
  /** Its agent has not lost its coordinator. */
  readonly isInTouch: () => boolean;
  /** How long the host is away that is told to reboot. */
  readonly rebootMs: () => number;
}

/** A host in a simulated world: its processes, its disk, and the lives of its agent. */
export class SimHost implements HostTruth {
  readonly name: string;
  readonly environment: string;
  readonly machine: SimMachine;
  readonly disk = new SimDisk(emptyLedger);
  readonly #history: History;
  readonly #promises: Promises;
  readonly #own: HostPromises;
  readonly #reboots: SimReboots;
  /** Absent: the agent starts by itself. */
  readonly #watchdog: SimWatchdog | undefined;
  /** Absent: it is there all the time, and can't be changed. */
  readonly #keeper: SimKeeper | undefined;
  readonly #prober: SimProber;
  readonly #orders: SimOrders;
  readonly #crashes: SimCrashes;
  readonly #send: (report: Report) => void;
  readonly #isOver: (rollout: string) => boolean;
  readonly #skewMs: number;
  readonly #sites: readonly string[];
  readonly #isInTouch: () => boolean;
  #agent: SimAgent | undefined;
  #isDown = false;
  #isUnwatched = false;
  #roomSince = 0;
  /** By whom each intent was sent. */
  readonly #origins = new WeakMap<Intent, Origin>();
  #obeyed: Intent | undefined;
  #forwards: { readonly ledger: Ledger; readonly sites: ReadonlySet<string> } | undefined;
  /** The ledger as it was read back last. */
  #readable: Ledger | undefined;

  constructor(
    history: History,
    promises: Promises,
    place: { readonly name: string; readonly environment: string },
    ports: HostPorts,
  ) {
    this.#history = history;
    this.#promises = promises;
    this.name = place.name;
    this.environment = place.environment;
    this.#sites = sitesOf(history.options);
    this.#send = ports.send;
    this.#isOver = ports.isOver;
    this.#skewMs = history.prng.whole(-2000, 2000);
    this.machine = new SimMachine(() => history.time.now);
    this.#prober = new SimProber(history, place.name, this.machine);
    this.#own = new HostPromises(history, this, (host, unit, digest) => promises.served(host, unit, digest));
    const isKeeperSilent = (): boolean => this.#keeper?.isSilent === true;
    this.#crashes = new SimCrashes({ history, name: place.name, machine: this.machine, isKeeperSilent });
    const given = { skewMs: this.#skewMs, hasRoom: () => this.disk.hasRoomFor("releases"), isKeeperSilent };
    this.#orders = new SimOrders(history, this.machine, this.#prober, this.#own, given);
    this.#reboots = new SimReboots({
      ...{ history, machine: this.machine, disk: this.disk, isInTouch: ports.isInTouch, onSaved: () => this.#mayDie() },
      onReboot: (order) => {
        promises.reboots.goes(this, order);
        this.reboot(ports.rebootMs());
      },
    });
    this.#isInTouch = ports.isInTouch;
    this.#watchdog = this.#watch();
    this.#keeper = this.#keep();
  }

  /** Keeps its processes, where it can be changed. */
  #keep(): SimKeeper | undefined {
    if (this.#history.options.keepers === undefined) return undefined;
    return new SimKeeper({
      ...{ history: this.#history, name: this.name, machine: this.machine, disk: this.disk },
      promises: this.#promises.programs,
      isAgentThere: () => this.#agent?.isAlive === true,
      isAgentInstalled: () => (this.#watchdog?.running?.digest ?? firstProgram("agent")) === firstProgram("agent"),
    });
  }

  /** Starts agents, where they can be changed. */
  #watch(): SimWatchdog | undefined {
    if (this.#history.options.programs === undefined) return undefined;
    return new SimWatchdog({
      ...{ history: this.#history, name: this.name, machine: this.machine, disk: this.disk },
      promises: this.#promises.programs,
      localNow: () => this.localNow,
      endProgram: () => this.crash(500),
    });
  }

  get completeBoot(): number {
    return this.#own.completeBoot;
  }

  get localNow(): Instant {
    return instant(this.#history.time.now + this.#skewMs);
  }

  provenDigest(unit: string): string | undefined {
    return this.disk.ledger.proven[unit]?.digest;
  }

  get goodBefore(): ReadonlySet<string> {
    return this.#prober.goodBefore;
  }

  get goodResults(): ReadonlyMap<string, number> {
    return this.#prober.goodResults;
  }

  /** By the host's clock. An agent that can't write what it decides is as good as none. */
  get agentSince(): number | undefined {
    if (this.#agent?.isAlive !== true || !this.disk.hasRoomFor("ledger") || !this.disk.hasRoomFor("intent"))
      return undefined;
    return Math.max(this.#agent.startedAt, this.#roomSince);
  }

  /** The disk is full for a while. */
  fillDisk(full: Full, ms: number): void {
    if (this.disk.full !== "nothing") return;
    this.#say(`no room for ${full} on disk`);
    this.disk.full = full;
    this.#history.time.after(ms, () => this.emptyDisk());
  }

  /** There is room again. */
  emptyDisk(): void {
    if (this.disk.full === "nothing") return;
    this.#say("room on disk");
    this.disk.full = "nothing";
    this.#roomSince = this.localNow;
  }

  /** Sites in the middle of an activation that is no revert. */
  get activatingForwards(): ReadonlySet<string> {
    const { ledger } = this.disk;
    if (this.#forwards?.ledger !== ledger) this.#forwards = { ledger, sites: this.#activatingIn(ledger) };
    return this.#forwards.sites;
  }

  #activatingIn(ledger: Ledger): ReadonlySet<string> {
    const forwards = unsettled(ledger).filter(
      ({ phase, grant }) => grant.kind !== "revert" && preparing.includes(phase),
    );
    return new Set(
      forwards.flatMap(({ grant }) =>
        grant.units.flatMap(({ unit }) => (unit === "front" ? this.#sites : [unit.split(":")[1] ?? ""])),
      ),
    );
  }

  /** What users reach, by unit; several when a unit is in between. */
  get serving(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, Set<string>>();
    const add = (unit: string, digest: string): void => {
      found.set(unit, (found.get(unit) ?? new Set()).add(digest));
    };
    for (const site of this.#sites) {
      for (const { front, proxy, slot } of this.machine.ways(site)) {
        if (front !== undefined) add("front", front.digest);
        add(proxy.unit, proxy.digest);
        add(`site:${site}`, slot?.digest ?? "nothing");
      }
    }
    const { agent, keeper } = this.machine.programs;
    if (agent !== undefined) add("agent", agent.digest);
    if (keeper !== undefined) add("keeper", keeper.digest);
    return new Map([...found].map(([unit, digests]) => [unit, [...digests]]));
  }

  /** A host that has been there for long. */
  begin(units: readonly { readonly unit: UnitKey; readonly digest: string }[]): void {
    const { machine } = this;
    const { now } = this.#history.time;
    if (this.#history.options.renewals !== undefined) this.#layOut(firstPair);
    for (const { unit, digest } of units) {
      this.#promises.begin(this.name, unit, digest);
      machine.install(digest);
    }
    const release = (unit: UnitKey) => simulatedRelease(units.find((one) => one.unit === unit)?.digest ?? "");
    for (const site of this.#sites) {
      const { target, digest } = machine.startSlot(site, "blue", release(`site:${site}`), now);
      machine.accept(
        machine.startProxy(`proxy:${site}`, release(`proxy:${site}`), {
          live: "blue",
          blue: { ...target, release: digest },
        }),
      );
    }
    machine.accept(machine.startProxy("front", release("front"), { live: "hold" }));
    this.#keeper?.begin();
    this.disk.ledger = {
      ...emptyLedger,
      proven: Object.fromEntries(units.map(({ unit, digest }) => [unit, simulatedRelease(digest)])),
      duties: Object.fromEntries(this.#sites.map((site) => [site, dutiesOf(site)])),
      processes: processesOf(machine.look()),
    };
    this.#readable = this.disk.ledger;
    this.#own.hostStarted();
    this.#own.certificates?.begin();
    this.#own.processesChanged();
    this.#start();
  }

  /** Somebody puts another pair in the place of the one that lies on disk; what presents it goes on with the old one. */
  renewPair(pair: string): void {
    this.#say(`${pair} is on disk`);
    this.#layOut(pair);
  }

  #layOut(pair: string): void {
    this.machine.files = { pairs: certificatesWith(pair), since: this.localNow };
  }

  /** A pair that users of the unit are shown though it is not the one that is proven here. */
  unprovenPair(unit: UnitKey): string | undefined {
    return this.#own.certificates?.unprovenPair(unit);
  }

  #say(line: string): void {
    this.#history.trace.add(`${this.name}: ${line}`);
  }

  /** The agent's process ends; everything else goes on. */
  crash(downMs: number): void {
    if (this.#agent === undefined) return;
    this.#say("agent crashes");
    this.#end(false);
    this.#history.time.after(downMs, () => this.#start());
  }

  /** The agent's process and the one that starts it end. */
  killWatchdog(downMs: number): void {
    if (this.#isDown || this.#watchdog === undefined || this.#isUnwatched) return;
    this.#say("watchdog is killed");
    this.#isUnwatched = true;
    this.#end(false, true);
    const { boot } = this.machine;
    this.#history.time.after(downMs, () => {
      if (this.machine.boot === boot && !this.#isDown) this.#beginWatch();
    });
  }

  /** The keeper's process ends by itself, and what it keeps goes on. */
  killKeeper(): void {
    if (!this.#isDown) this.#keeper?.kill();
  }

  /** The agent makes room for the program that its watchdog starts next. */
  #makeRoom(): void {
    this.#say("agent makes room");
    this.#end(true);
    this.#history.time.after(this.#history.prng.whole(50, 500), () => this.#start());
  }

  /** `isForgotten`: whoever started it is gone as well, and notes nothing. */
  #end(isWell: boolean, isForgotten = false): void {
    this.#agent?.end();
    this.#agent = undefined;
    if (isForgotten) this.#watchdog?.forget();
    else this.#watchdog?.ended(isWell);
  }

  #beginWatch(): void {
    this.#isUnwatched = false;
    if (this.#watchdog !== undefined) {
      this.#promises.programs.starting(this.name, "agent");
      this.#watchdog.begin();
    }
    this.#start();
  }

  reboot(downMs: number): void {
    if (this.#isDown) return;
    const { time } = this.#history;
    this.#say("host reboots");
    this.#isDown = true;
    this.#end(false, true);
    this.#own.hostStops();
    this.machine.powerCut();
    this.#keeper?.forget();
    this.#promises.programs.starting(this.name, "keeper");
    time.after(downMs, () => {
      this.#isDown = false;
      this.#own.hostStarted();
      this.#beginWatch();
    });
  }

  /** Some process ends by itself, and the keeper starts it again. */
  crashProcess(): void {
    if (!this.#isDown) this.#crashes.one();
  }

  /** The copy of a site that users reach does. */
  crashSite(site: string): void {
    this.#crashes.ofSite(site);
  }

  /** What users of every site would be answered now, way by way. */
  askAsUsers(): readonly ProbeResult[] {
    return this.#prober.usersWays(Object.values(this.disk.ledger.duties), this.localNow);
  }

  #start(): void {
    if (this.#isDown || this.#isUnwatched || this.#agent !== undefined) return;
    this.#say("agent starts");
    const running = this.#watchdog?.start();
    this.#readBack();
    this.#reboots.agentStarted();
    const mayDie = this.#mayDie;
    const { disk, machine, name } = this;
    let agent: SimAgent | undefined;
    agent = new SimAgent({
      history: this.#history,
      name,
      machine,
      disk,
      orders: this.#orders,
      reboots: this.#reboots,
      ...this.#programPorts(running),
      now: () => this.localNow,
      onSaved: () => {
        this.#noteObeyed();
        this.#own.memoryChanged();
        if (agent !== undefined && agent === this.#agent) mayDie();
      },
      onBegun: (id) => {
        const grant = disk.ledger.activations[id]?.grant;
        if (grant !== undefined) this.#promises.activates(this, id, this.#isOver(grant.rollout));
      },
    });
    this.#agent = agent;
    this.#keeper?.ensureSoon();
    if (running !== undefined) this.#misbehave(agent, running);
    if (agent === this.#agent) this.#beatLater(agent, 1);
  }

  #misbehave(agent: SimAgent, running: RunningProgram): void {
    misbehave(running, {
      history: this.#history,
      isOnTrial: () => this.#agent === agent && this.disk.ledger.proven[agentUnit]?.digest !== running.digest,
      end: (downMs) => this.crash(downMs),
      hang: () => {
        agent.end();
        this.#watchdog?.noteHang();
      },
    });
  }

  #programPorts(running: RunningProgram | undefined) {
    const watchdog = this.#watchdog;
    const keeper = this.#keeper;
    if (watchdog === undefined && keeper === undefined) return {};
    const isConnected = (): boolean => this.#isInTouch() && running?.isDeaf !== true;
    return { program: { watchdog, keeper, isConnected, onChangeOver: () => this.#makeRoom() } };
  }

  /** What is kept is read back as the real agent reads it: a ledger it can't read would be lost. */
  #readBack(): void {
    this.disk.readAgain();
    if (this.#readable === this.disk.ledger) return;
    this.disk.ledger = ledgerSchema.parse(JSON.parse(JSON.stringify(this.disk.ledger)));
    this.#readable = this.disk.ledger;
    this.#own.memoryChanged();
  }

  readonly #mayDie = (): void => {
    const { prng, options, calm } = this.#history;
    if (!calm && prng.chance(options.agentCrashAfterStep)) this.crash(prng.whole(200, 20_000));
  };

  /** The coordinator's word arrives, maybe late, twice or out of order. */
  receive(intent: Intent, fromBackup: boolean, isSinceBackup: boolean): void {
    const agent = this.#agent;
    if (agent?.isAlive !== true || this.#watchdog?.running?.isDeaf === true) return;
    const { memory } = this.disk.ledger;
    const verdict = this.#history.subject.judgeIntent(memory.generation === 0 ? undefined : memory, intent);
    if (verdict.kind !== "apply" && verdict.kind !== "already-applied") {
      this.#say(`refuses intent ${intent.fence}/${intent.generation}: ${verdict.kind}`);
      return;
    }
    this.#origins.set(intent, { fromBackup, isSinceBackup });
    if (verdict.kind === "apply") this.#say(`obeys intent ${intent.fence}/${intent.generation}`);
    agent.obey(intent);
  }

  /** It is obeyed once ledger and intent are on disk. */
  #noteObeyed(): void {
    const { intent, ledger } = this.disk;
    if (intent === undefined || intent === this.#obeyed) return;
    if (ledger.memory.generation !== intent.generation || ledger.memory.maxFence < intent.fence) return;
    this.#obeyed = intent;
    const { fromBackup, isSinceBackup } = this.#origins.get(intent) ?? { fromBackup: false, isSinceBackup: false };
    this.#promises.obeyed(this.name, intent, fromBackup);
    if (isSinceBackup) this.#promises.obeyedSinceBackup(this.name);
  }

  #beatLater(agent: SimAgent, ms: number): void {
    this.#history.time.after(ms, () => {
      if (!agent.isAlive) return;
      this.#crashes.loops();
      agent.look();
      this.#own.beat();
      this.#keeper?.beat();
      if (!agent.isAlive) return;
      this.#report(agent);
      this.#beatLater(agent, beatMs);
    });
  }

  #report(agent: SimAgent): void {
    const round = instant(Math.floor(this.#history.time.now / beatMs) * beatMs);
    const answers = this.#prober.usersRound(this.disk.ledger.duties);
    if (this.#watchdog?.running?.isDeaf === true) return;
    this.#send({ observation: agent.observe(), results: agent.takeResults(), round: { round, answers } });
  }
}
