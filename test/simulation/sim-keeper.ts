import { sameJson, type UnitRelease } from "@sluice/core";
import type { KeeperFile } from "@sluice/core/programs/plan-keeper-file";
import type { History } from "./history.ts";
import type { ProgramBehaviour } from "./program-behaviour.ts";
import type { ProgramPromises } from "./program-promises.ts";
import { DiskFull, type SimDisk } from "./sim-disk.ts";
import type { SimMachine } from "./sim-machine.ts";
import { firstProgram } from "./simulated-fleet.ts";

/** Nobody answers where the keeper ought to: who asks it for the processes of the host learns nothing. */
export class KeeperSilent extends Error {}

/** How an order to a keeper went: carried out, or not, in a sentence. */
export type KeeperOutcome = { readonly sentence: string; readonly retryHelps: boolean } | undefined;

export interface KeeperPorts {
  readonly history: History;
  readonly name: string;
  readonly machine: SimMachine;
  readonly disk: SimDisk;
  readonly promises: ProgramPromises;
  /** An agent is there, which has one started where there is none. */
  readonly isAgentThere: () => boolean;
  /** The agent that is there was installed by hand; else a rollout has brought it, with a keeper of its own that nobody has granted. */
  readonly isAgentInstalled: () => boolean;
}

interface Running {
  readonly digest: string;
  readonly trial: string | undefined;
  readonly behaviour: ProgramBehaviour;
  /** It is there and answers nobody. */
  isHung: boolean;
}

/** For a successor to answer, and for an order to be given up that was not answered; those of the real one. */
const successorMs = 15_000;
const answerMs = 30_000;

/** The keeper that comes with an agent which a rollout has brought. */
const broughtKeeper = "keeper-of-an-agent";

/** The keeper that is started by what the file names. */
const namedIn = ({ proven, installed = broughtKeeper }: KeeperFile): string =>
  proven?.files === undefined ? installed : proven.digest;

/**
 * The keeper of a host: it hands over to another one, is killed, hangs, and is started again by the agent that is there. What it keeps
 * running goes on without it, but nothing of that is started, ended or started again meanwhile.
 */
export class SimKeeper {
  /** As the agent wrote it last. */
  file: KeeperFile = { version: 1, installed: firstProgram("keeper") };
  readonly #ports: KeeperPorts;
  #running: Running | undefined;
  #isStarting = false;
  /** A handover is under way. */
  #isHandingOver = false;
  #pid = 0;

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
  }

  get isSilent(): boolean {
    return this.#running === undefined || this.#running.isHung;
  }

  /** A host that has been there for long. */
  begin(): void {
    this.#run({ digest: firstProgram("keeper"), trial: undefined, behaviour: "good", isHung: false });
  }

  /** Its processes have all ended with the host. */
  forget(): void {
    this.#isStarting = false;
    this.#isHandingOver = false;
    this.#leave();
  }

  #leave(): void {
    const { machine } = this.#ports;
    this.#running = undefined;
    const { keeper: _, ...others } = machine.programs;
    machine.programs = others;
    machine.changed();
  }

  /** It is killed; its children live on. */
  kill(): void {
    if (this.#running === undefined) return;
    this.#ports.history.trace.add(`${this.#ports.name}: keeper ${this.#running.digest} is killed`);
    this.#leave();
    this.ensureSoon();
  }

  /** An agent that is there, or has just started, has a keeper started where there is none. */
  ensureSoon(): void {
    const { history, machine, isAgentThere } = this.#ports;
    if (this.#isStarting || this.#running !== undefined) return;
    this.#isStarting = true;
    const { boot } = machine;
    history.time.after(history.prng.whole(100, 1500), () => {
      if (machine.boot !== boot) return;
      this.#isStarting = false;
      if (this.#running !== undefined || !isAgentThere()) return;
      this.#start();
    });
  }

  #start(): void {
    const { history, name, promises, disk } = this.#ports;
    const file = this.#planned(undefined);
    if (disk.hasRoomFor("ledger")) this.file = file;
    const digest = namedIn(file);
    history.trace.add(`${name}: keeper ${digest} starts`);
    promises.starts(name, "keeper", digest, undefined);
    this.#run({ digest, trial: undefined, behaviour: "good", isHung: false });
  }

  #run(running: Running): void {
    const { history, machine } = this.#ports;
    this.#running = running;
    const { digest, trial, behaviour } = running;
    const version = behaviour === "says-other" ? "another" : digest;
    const of = trial === undefined ? {} : { trial };
    const seen = { digest, version, pid: ++this.#pid, startedAtMs: history.time.now, ...of };
    machine.programs = { ...machine.programs, keeper: seen };
    machine.changed();
  }

  /** Which keeper is to be started where there is none. Throws {@link DiskFull}, and nothing has changed then. */
  tell(proven: UnitRelease | undefined): void {
    const next = this.#planned(proven);
    if (sameJson(next, this.file)) return;
    if (!this.#ports.disk.hasRoomFor("ledger")) throw new DiskFull();
    this.file = next;
  }

  #planned(proven: UnitRelease | undefined): KeeperFile {
    const isAgentInstalled = this.#ports.isAgentInstalled();
    const own = isAgentInstalled ? firstProgram("keeper") : broughtKeeper;
    const { file } = this;
    return this.#ports.history.subject.planKeeperFile({ file, proven, own, isAgentInstalled, isInstalledThere: true });
  }

  /** The keeper that runs starts the granted one as its successor. */
  handOver(digest: string, grant: string, done: (outcome: KeeperOutcome) => void): void {
    const behaviour = this.#ports.history.programs?.get(digest) ?? "good";
    this.#succeed({ digest, trial: grant, behaviour, isHung: false }, done);
  }

  /** The keeper that runs starts the proven one as its successor. */
  handBack(done: (outcome: KeeperOutcome) => void): void {
    this.#succeed({ digest: namedIn(this.file), trial: undefined, behaviour: "good", isHung: false }, done);
  }

  /** Goes on though whoever asked for it is gone. */
  #succeed(next: Running, done: (outcome: KeeperOutcome) => void): void {
    const { history, machine } = this.#ports;
    const { time, prng, options, calm } = history;
    const before = this.#running;
    if (before === undefined || before.isHung) {
      time.after(before === undefined ? 1 : answerMs, () => done({ sentence: "nobody answers", retryHelps: true }));
      return;
    }
    if (this.#isHandingOver || (!calm && prng.chance(options.orderFailure))) {
      time.after(1, () => done({ sentence: "the keeper is busy", retryHelps: true }));
      return;
    }
    this.#isHandingOver = true;
    const isSlow = next.behaviour === "hangs";
    const { boot } = machine;
    time.after(isSlow ? successorMs : this.#successionMs(), () => {
      if (machine.boot !== boot) return;
      this.#isHandingOver = false;
      // Whoever is killed in the middle takes the one with it that it has just started.
      if (this.#running !== before || before.isHung) return done({ sentence: "it was cut short", retryHelps: true });
      if (isSlow) return done({ sentence: "it did not answer within 15 s", retryHelps: true });
      if (next.behaviour === "dies") return done({ sentence: "it ended with 1", retryHelps: false });
      this.#takesOver(next);
      const isLost = !calm && prng.chance(options.orderFailure);
      done(isLost ? { sentence: "its answer was lost", retryHelps: true } : undefined);
    });
  }

  /** A machine may be short of everything just then. */
  #successionMs(): number {
    const { prng, options, calm } = this.#ports.history;
    return !calm && prng.chance(0.2) ? prng.whole(1000, successorMs - 1) : prng.whole(50, 200 + options.orderMs);
  }

  #takesOver(next: Running): void {
    const { history, name, promises } = this.#ports;
    history.trace.add(`${name}: keeper ${next.digest} takes over${next.trial === undefined ? "" : " on trial"}`);
    promises.starts(name, "keeper", next.digest, next.trial);
    this.#run(next);
    if (next.trial !== undefined) this.#misbehave(next);
  }

  /** What a bad one does while it is on trial, unless it is proven by then. */
  #misbehave(running: Running): void {
    const { history, disk } = this.#ports;
    const { time, prng } = history;
    if (running.behaviour !== "hangs-later" && running.behaviour !== "dies-later") return;
    time.after(prng.whole(2000, 60_000), () => {
      if (this.#running !== running || disk.ledger.proven["keeper"]?.digest === running.digest) return;
      if (running.behaviour === "dies-later") {
        this.kill();
        return;
      }
      history.trace.add(`${this.#ports.name}: keeper ${running.digest} hangs`);
      running.isHung = true;
      this.#ports.machine.changed();
    });
  }

  /** What the one that runs does not hold of what the one before it held. */
  lost(): readonly string[] {
    return this.#running?.behaviour === "loses-socket" ? ["socket web"] : [];
  }

  /** It is killed by its agent, which has another one started. */
  putDown(): void {
    this.#ports.history.trace.count("keeper put down");
    this.kill();
  }

  /** Promise 9, looked at now and then: the one that is on trial may be there. */
  beat(): void {
    const running = this.#running;
    if (running?.trial !== undefined)
      this.#ports.promises.onTrial(this.#ports.name, "keeper", running.trial, running.digest);
  }
}
