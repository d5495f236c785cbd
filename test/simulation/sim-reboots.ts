import type { BootSeen, RebootOrder } from "@sluice/core";
import type { History } from "./history.ts";
import type { SimDisk } from "./sim-disk.ts";
import type { SimMachine } from "./sim-machine.ts";

/** What became of the newest order. Without `end` the command was started, and nothing is known since. */
interface Entry {
  readonly id: string;
  readonly bootId: string;
  readonly end?: Omit<NonNullable<BootSeen["order"]>, "id">;
}

export interface RebootPorts {
  readonly history: History;
  readonly machine: SimMachine;
  readonly disk: SimDisk;
  /** False while the agent is cut off from its coordinator, which may have taken the order back. */
  readonly isInTouch: () => boolean;
  /** Something was written; the agent may end right there. */
  readonly onSaved: () => void;
  /** The host goes down. */
  readonly onReboot: (order: string) => void;
}

/** What the reboot command says when it fails. */
const refused = { state: "failed", sentence: "its reboot command failed" } as const;
const tooLate = { state: "failed", sentence: "its coordinator took the order back" } as const;
const interrupted = {
  state: "interrupted",
  sentence: "its agent ended after it had started the reboot command",
} as const;

/** Reboots of a host by its intent, as the real agent does them: each order once, noted on disk before. The note survives everything. */
export class SimReboots {
  readonly #ports: RebootPorts;
  #newest: Entry | undefined;
  #isWorking = false;
  #seen: BootSeen | undefined;

  constructor(ports: RebootPorts) {
    this.#ports = ports;
  }

  get #bootId(): string {
    return String(this.#ports.machine.boot);
  }

  /** The same object as long as it says the same. */
  get seen(): BootSeen {
    const { id, end } = this.#newest ?? {};
    const state = end?.state ?? "begun";
    const seen = this.#seen;
    if (seen?.id === this.#bootId && seen.order?.id === id && (id === undefined || seen.order?.state === state))
      return seen;
    const order =
      id === undefined ? {} : { order: { id, state, sentence: end?.sentence ?? "its command was started" } };
    this.#seen = { id: this.#bootId, canReboot: true, ...order };
    return this.#seen;
  }

  /** An agent starts: of an order that the last one has begun nobody can tell what becomes. */
  agentStarted(): void {
    this.#isWorking = false;
    const newest = this.#newest;
    if (newest === undefined || newest.end !== undefined || newest.bootId !== this.#bootId) return;
    this.#ports.history.trace.count("reboot interrupted");
    this.#newest = { ...newest, end: interrupted };
  }

  /** The intent may have changed. What can't be noted is not begun: the next look tries again. */
  wake(isAlive: () => boolean): void {
    const order = this.#order;
    if (order === undefined || this.#isWorking || order.bootId !== this.#bootId) return;
    if (this.#newest?.id === order.id || !this.#ports.isInTouch() || !this.#ports.disk.hasRoomFor("ledger")) return;
    this.#isWorking = true;
    this.#newest = order;
    this.#ports.history.trace.add(`begins to reboot by ${order.id}`);
    this.#ports.onSaved();
    this.#ports.history.time.after(1, () => {
      if (isAlive()) this.#start(order, isAlive);
    });
  }

  /** The command goes on without its agent. */
  #start(order: RebootOrder, isAlive: () => boolean): void {
    if (this.#order?.id !== order.id) {
      this.#over({ ...order, end: tooLate });
      return;
    }
    const { history, machine, onReboot } = this.#ports;
    const { orderFailure, reboots } = history.options;
    const fails = !history.calm && history.prng.chance(Math.max(orderFailure, reboots?.refuses ?? 0));
    const { boot } = machine;
    history.time.after(history.prng.whole(100, 3000), () => {
      if (machine.boot !== boot) return;
      if (!fails) onReboot(order.id);
      else if (isAlive()) this.#over({ ...order, end: refused });
    });
  }

  #over(entry: Entry): void {
    this.#isWorking = false;
    this.#newest = entry;
    this.#ports.history.trace.count("reboot refused");
    this.#ports.onSaved();
  }

  get #order(): RebootOrder | undefined {
    return this.#ports.disk.intent?.body.reboot;
  }
}
