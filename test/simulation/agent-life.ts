import type { Ledger } from "@sluice/agent/ledger/ledger";
import type { ActivationAction, ActivationFacts, Instant, Intent, ObservedHost, ProbeResult } from "@sluice/core";
import type { History } from "./history.ts";
import { DiskFull, type SimDisk } from "./sim-disk.ts";
import { KeeperSilent } from "./sim-keeper.ts";
import type { SimMachine } from "./sim-machine.ts";
import type { OrderSite, SimOrders } from "./sim-orders.ts";
import type { ProgramPorts } from "./sim-program-changes.ts";
import type { SimReboots } from "./sim-reboots.ts";

export interface AgentPorts {
  readonly history: History;
  readonly name: string;
  readonly machine: SimMachine;
  readonly orders: SimOrders;
  readonly reboots: SimReboots;
  /** Absent: neither the agent's program nor its keeper can be changed. */
  readonly program?: ProgramPorts;
  readonly disk: SimDisk;
  readonly now: () => Instant;
  /** Something was written or carried out; the agent may end right there. */
  readonly onSaved: () => void;
  /** An activation begins to do something. */
  readonly onBegun: (id: string) => void;
}

/** Work that goes on beside other work, one step at a time. */
export interface Lane {
  isCalledOff: boolean;
}

/** How soon a disk that was full is tried again. */
const lookAgainMs = 1000;

/** One life of an agent process: what its lanes share, all of it forgotten when it ends. */
export class AgentLife {
  readonly ports: AgentPorts;
  isAlive = true;
  /** Something could not be saved, or nothing be seen: the host is looked at again though nothing has changed. */
  isTroubled = false;
  /** The newest look at the host. */
  seen: ObservedHost | undefined;
  /** Results of users' ways, taken around a switch, that the coordinator has not been told yet. */
  results: ProbeResult[] = [];
  readonly lanes = new Map<string, Lane>();
  readonly #onLook: () => void;
  #nextLook = Number.POSITIVE_INFINITY;

  constructor(ports: AgentPorts, onLook: () => void) {
    this.ports = ports;
    this.#onLook = onLook;
  }

  /** Asks every process of the host what it is. Throws {@link KeeperSilent} when nobody knows which there are. */
  look(): ObservedHost {
    if (this.ports.program?.keeper?.isSilent === true) throw new KeeperSilent();
    this.seen = this.ports.machine.look();
    return this.seen;
  }

  /** Throws {@link DiskFull}, and nothing has changed then. */
  save(ledger: Ledger): void {
    const { disk, history, onSaved } = this.ports;
    if (ledger === disk.ledger) return;
    if (!disk.hasRoomFor("ledger") && history.subject.agent.ignoresFullDisk === true) disk.pretend(ledger);
    else disk.putLedger(ledger);
    onSaved();
  }

  /** Throws what {@link save} would. */
  demandRoom(): void {
    const { disk, history } = this.ports;
    if (!disk.hasRoomFor("ledger") && history.subject.agent.ignoresFullDisk !== true) throw new DiskFull();
  }

  keepIntent(intent: Intent): void {
    this.ports.disk.putIntent(intent);
    this.ports.onSaved();
  }

  /** What could not be looked at or saved is decided again with the next look, which comes soon. */
  trying(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DiskFull) && !(error instanceof KeeperSilent)) throw error;
      this.ports.history.trace.count(error instanceof DiskFull ? "disk full on a host" : "keeper silent");
      this.isTroubled = true;
      this.wake(lookAgainMs);
    }
  }

  wake(ms: number): void {
    const { time } = this.ports.history;
    const at = time.now + ms;
    if (this.#nextLook <= at) return;
    this.#nextLook = at;
    time.after(ms, () => {
      if (this.#nextLook !== at) return;
      this.#nextLook = Number.POSITIVE_INFINITY;
      if (this.isAlive) this.#onLook();
    });
  }

  run(name: string, step: (lane: Lane) => void): void {
    if (!this.isAlive || this.lanes.has(name)) return;
    const lane = { isCalledOff: false };
    this.lanes.set(name, lane);
    this.stepIn(name, () => step(lane));
  }

  /** One step of a lane, which ends when the step could not see the host, or not be saved. */
  stepIn(name: string, step: () => void): void {
    let isSaved = false;
    this.trying(() => {
      step();
      isSaved = true;
    });
    if (!isSaved) this.lanes.delete(name);
  }

  /** A lane ends; the host is looked at again soon, or with the next beat. */
  rest(name: string, lookInMs?: number): void {
    this.lanes.delete(name);
    if (lookInMs !== undefined) this.wake(lookInMs);
  }

  soon(name: string, step: () => void): void {
    this.ports.history.time.after(1, () => {
      if (this.isAlive) this.stepIn(name, step);
    });
  }

  site(host: ObservedHost, lane: Lane, dueLocal: number): OrderSite {
    const { history, disk, now } = this.ports;
    return {
      host,
      duties: disk.ledger.duties,
      due: dueLocal - (now() - history.time.now),
      isAlive: () => this.isAlive,
      isCalledOff: () => lane.isCalledOff,
      onResults: (results) => this.results.push(...results),
    };
  }

  /** Gives orders one after another; those after a failed one are left for the next step. */
  give(
    site: OrderSite,
    facts: ActivationFacts,
    actions: readonly ActivationAction[],
    done: (facts: ActivationFacts) => void,
  ): void {
    const [action, ...rest] = actions;
    if (action === undefined || site.isCalledOff()) {
      done(facts);
      return;
    }
    this.ports.orders.give(site, facts, action, (known) => {
      const hasFailed = known.failures.length > facts.failures.length;
      this.ports.history.trace.add(`${this.ports.name}: ${describe(action)}${hasFailed ? " (failed)" : ""}`);
      this.ports.onSaved();
      if (!this.isAlive) return;
      if (hasFailed) done(known);
      else this.give(site, known, rest, done);
    });
  }
}

function describe(action: ActivationAction): string {
  switch (action.kind) {
    case "probe":
      return `probe ${action.rounds.map(({ site, target }) => `${site} ${target.hop}`).join(", ")}`;
    case "ensure-installed":
      return `ensure-installed ${action.release.digest}`;
    case "start-slot":
    case "await-ready":
      return `${action.kind} ${action.site} ${action.slot} ${action.release.digest}`;
    case "stop-slot":
      return `stop-slot ${action.site} ${action.slot}`;
    case "start-successor":
      return `start-successor ${action.release.digest} ${action.slots.live}`;
    case "put-slots":
      return `put-slots ${action.childId} ${action.slots.live}`;
    default:
      return `${action.kind} ${action.childId}`;
  }
}
