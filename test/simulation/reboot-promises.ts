import { isOut, type RebootLease, type Rollout, type RolloutState, rebootReturnMs } from "@sluice/core";
import type { Broken, History } from "./history.ts";
import { beatMs } from "./report.ts";
import type { SimMachine } from "./sim-machine.ts";

/** What the checks must see of a host that reboots in its turn. */
export interface RebootHost {
  readonly name: string;
  readonly environment: string;
  readonly machine: SimMachine;
  /** The newest start of the host after which users could reach everything. */
  readonly completeBoot: number;
  /** Sites in the middle of an activation that is no revert. */
  readonly activatingForwards: ReadonlySet<string>;
}

interface LetGo {
  readonly order: string;
  readonly boot: number;
  readonly at: number;
  hasGone: boolean;
}

/** Reboots by rollouts, by books that are kept apart from the decisions: who was let go when, who went, and who is back. */
export class RebootPromises {
  readonly #history: History;
  readonly #hosts: () => readonly RebootHost[];
  readonly #broken: Broken;
  /** A coordinator with another store has a part in it. */
  readonly #isDisputed: () => boolean;
  /** Hosts that were let go and whose turn has not ended. */
  readonly #out = new Map<string, LetGo>();
  /** Orders whose hosts are back. */
  readonly #back = new Set<string>();

  constructor(history: History, hosts: () => readonly RebootHost[], isDisputed: () => boolean, broken: Broken) {
    this.#history = history;
    this.#hosts = hosts;
    this.#isDisputed = isDisputed;
    this.#broken = broken;
  }

  /** The coordinator lets a host go: one of an environment at a time, nobody after one that stays away, none with users. */
  letsGo(name: string, order: string, bootId: string): void {
    const host = this.#host(name);
    const { now } = this.#history.time;
    if (host === undefined) return;
    if (!this.#isDisputed()) this.#goesAlone(host, order);
    const boot = Number(bootId);
    if (host.machine.boot === boot) {
      if (host.activatingForwards.size > 0) this.#broken("reboot", `${name} is let go in the middle of an activation`);
      this.#isDrained(host);
    }
    this.#out.set(name, { order, boot, at: now, hasGone: false });
  }

  #goesAlone({ name, environment }: RebootHost, order: string): void {
    const { now } = this.#history.time;
    for (const [other, { at }] of this.#out) {
      if (other === name) continue;
      const isPeer = this.#host(other)?.environment === environment;
      if (isPeer) this.#broken("reboot", `${name} is let go by ${order} while ${other} is away`);
      if (now >= at + rebootReturnMs)
        this.#broken("reboot", `${name} is let go by ${order} although ${other} has not come back`);
    }
  }

  /** Nobody is led here any more who could go elsewhere. */
  #isDrained({ name, machine }: RebootHost): void {
    const open = machine.proxies.find(
      ({ unit, accepting, draining, slots }) =>
        unit !== "front" && accepting && !draining && slots.live !== "hold" && slots.draining !== true,
    );
    if (open !== undefined) this.#broken("reboot", `${name} has not been drained: ${open.childId} asks for users`);
  }

  /** The host goes down by an order: only one that was let go, once, from the boot that was meant, without users. */
  goes({ name, machine }: RebootHost, order: string): void {
    this.#history.trace.count("reboots by order");
    const host = this.#host(name);
    const granted = this.#out.get(name);
    if (this.#isDisputed() || host === undefined) return;
    if (granted?.order !== order) this.#broken("reboot", `${name} reboots by ${order}, and has no turn by it`);
    if (granted.hasGone) this.#broken("reboot", `${name} reboots twice by ${order}`);
    if (granted.boot !== machine.boot)
      this.#broken("reboot", `${name} reboots by ${order} in boot ${machine.boot}, meant was ${granted.boot}`);
    this.#isDrained(host);
    granted.hasGone = true;
  }

  /** The coordinator takes the host for back: it has started anew, and users could reach everything that is proven since. */
  isBack(name: string): void {
    const granted = this.#out.get(name);
    const boot = this.#host(name)?.completeBoot ?? 0;
    this.#out.delete(name);
    if (granted !== undefined) this.#back.add(granted.order);
    if (granted === undefined || this.#isDisputed()) return;
    if (boot <= granted.boot)
      this.#broken("reboot", `${name} is taken for back, and has not served everything since boot ${granted.boot}`);
  }

  /** A turn ends without that: only of a host that will not go down by it any more. */
  hasEnded(name: string, lease: RebootLease): void {
    const granted = this.#out.get(name);
    this.#out.delete(name);
    if (granted === undefined || !isOut(lease)) return;
    this.#history.trace.count("turn ended after it was let go");
  }

  /** A step is live only once its host is back, and nobody waits for one that stays away. */
  planned(rollout: Rollout, before: RolloutState, after: RolloutState): void {
    if (rollout.kind !== "reboot") return;
    this.#waitsNoLonger(rollout, after);
    if (before.steps === after.steps) return;
    if (before.phase !== "held" && after.phase === "held") this.#history.trace.count("reboot held");
    for (const [host, step] of Object.entries(after.steps)) {
      if (step.kind !== "provisional" || before.steps[host]?.kind === "provisional" || this.#isDisputed()) continue;
      if (!this.#back.has(step.grant)) this.#broken("reboot", `${rollout.id} goes on, and ${host} is not back`);
    }
  }

  #waitsNoLonger({ id }: Rollout, { phase, steps }: RolloutState): void {
    if (phase !== "activating" || this.#isDisputed()) return;
    for (const [host, { order, at }] of this.#out) {
      const step = steps[host];
      const awayMs = this.#history.time.now - at;
      if (step?.kind === "activating" && step.grant === order && awayMs > rebootReturnMs + 2 * beatMs)
        this.#broken("deadline", `${id} waits for ${host}, which was let go ${awayMs}ms ago`);
    }
  }

  /** Somebody begins to change a host: not one that may reboot at any moment. */
  activates(name: string, grant: string): void {
    if (this.#out.has(name)) this.#broken("reboot", `${name} begins ${grant} while it has its turn to reboot`);
  }

  #host(name: string): RebootHost | undefined {
    return this.#hosts().find((one) => one.name === name);
  }
}
