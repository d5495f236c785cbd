import type { ProgramChangeFacts, ObservedHost } from "@sluice/core";
import { noChangeFacts } from "@sluice/core/programs/program-change";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { Lanes } from "../reconcile/lanes.ts";
import { unsettledChanges } from "../reconcile/live-units.ts";
import { type ChangePorts, stepProgramChange, tellWatchdog } from "./step-program-change.ts";

export interface ProgramChangesOptions extends ChangePorts {
  readonly log: Log;
  readonly lanes: Lanes;
  /** Why a change does not advance, by grant; written here. */
  readonly waiting: Map<string, readonly string[]>;
  /** Something moved: look again, and tell. */
  readonly onMoved: () => void;
  /** This process has to make room for the program that the watchdog starts next. */
  readonly onChangeOver: () => void;
}

/** Carries changes of the agent's own program on, one look after the other, and keeps the watchdog told. */
export class ProgramChanges {
  readonly #options: ProgramChangesOptions;
  readonly #facts = new Map<string, ProgramChangeFacts>();

  constructor(options: ProgramChangesOptions) {
    this.#options = options;
  }

  /** What there is to be done by a look at the host. */
  async carryOn(host: ObservedHost): Promise<void> {
    const { memory, lanes, onChangeOver } = this.#options;
    for (const { grant } of unsettledChanges(memory.ledger)) {
      lanes.run(grant.id, (signal) => this.#step(grant.id, signal));
    }
    const known = memory.ledger.agentChanges ?? {};
    for (const id of this.#facts.keys()) if (known[id] === undefined) this.#facts.delete(id);
    if (await tellWatchdog(this.#options, host)) onChangeOver();
  }

  async #step(id: string, signal: AbortSignal): Promise<boolean> {
    const { log, waiting, onMoved, onStep } = this.#options;
    const ports: ChangePorts = {
      ...this.#options,
      onStep: (from, plan, look) => {
        waiting.set(id, plan.waitingOn);
        const { next } = plan;
        if (next.phase !== from.phase) {
          const end = "end" in next ? { end: next.end } : {};
          log.info({ grant: id, from: from.phase, to: next.phase, ...end }, "program-change.moved");
          onMoved();
        }
        onStep(from, plan, look);
      },
    };
    const { facts, moved } = await stepProgramChange(ports, id, this.#facts.get(id) ?? noChangeFacts, signal);
    this.#facts.set(id, facts);
    return moved;
  }
}
