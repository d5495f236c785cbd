import type { History } from "./history.ts";
import type { ProxyProcess, SimMachine, SlotProcess } from "./sim-machine.ts";

export interface CrashPorts {
  readonly history: History;
  readonly name: string;
  readonly machine: SimMachine;
  /** There is nobody to start a process again. */
  readonly isKeeperSilent: () => boolean;
}

/** How soon a process is looked after again that nobody could start. */
const lookAgainMs = 500;
/** How often a release ends again that can't go on. */
const loopsMax = 6;

/** Processes of a host that end by themselves, and that the keeper starts again. */
export class SimCrashes {
  readonly #ports: CrashPorts;

  constructor(ports: CrashPorts) {
    this.#ports = ports;
  }

  /** Any of them. */
  one(): void {
    const { history, machine } = this.#ports;
    const processes = [...machine.slots, ...machine.proxies.filter(({ draining }) => !draining)];
    if (processes.length > 0) this.#crash(history.prng.pick(processes));
  }

  /** The copy of a site that users reach. */
  ofSite(site: string): void {
    for (const { slot } of this.#ports.machine.ways(site)) if (slot !== undefined) this.#crash(slot);
  }

  /** Releases that crash again and again once users have come to them. */
  loops(): void {
    const { history, machine } = this.#ports;
    for (const slot of machine.slots) {
      const isLoop = history.behaviours.get(slot.digest) === "crashes-later" && slot.liveSince !== undefined;
      if (isLoop && slot.alive && slot.restarts < loopsMax) this.#crash(slot);
    }
  }

  #crash(process: SlotProcess | ProxyProcess): void {
    const { history, machine, name, isKeeperSilent } = this.#ports;
    const { time, prng, trace } = history;
    const { boot } = machine;
    trace.add(`${name}: ${"childId" in process ? process.childId : `${process.site} ${process.slot}`} crashes`);
    if ("isUp" in process) process.isUp = false;
    else {
      process.alive = false;
      process.restarts++;
    }
    machine.changed();
    const respawn = (): void => {
      const isThere = [...machine.slots, ...machine.proxies].includes(process);
      if (machine.boot !== boot || !isThere) return;
      if (isKeeperSilent()) time.after(lookAgainMs, respawn);
      else machine.respawn(process);
    };
    time.after(prng.whole(50, 3000), respawn);
  }
}
