import type { ObservedHost, ProgramChange, ProgramChangeFacts } from "@sluice/core";
import { noChangeFacts } from "@sluice/core/programs/program-change";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { KeeperPatience } from "../keeper/keeper-patience.ts";
import type { Lanes } from "../reconcile/lanes.ts";
import { changesOf, unsettledChanges } from "../reconcile/live-units.ts";
import { KeeperSilence } from "./keeper-silence.ts";
import { type ChangePorts, canBeSilent, stepProgramChange, tellPrograms } from "./step-program-change.ts";

export interface ProgramChangesOptions extends Omit<ChangePorts, "silence"> {
  readonly log: Log;
  readonly lanes: Lanes;
  /** Why a change does not advance, by grant; written here. */
  readonly waiting: Map<string, readonly string[]>;
  /** Something moved: look again, and tell. */
  readonly onMoved: () => void;
  /** This process has to make room for the program that the watchdog starts next. */
  readonly onChangeOver: () => void;
  /** With a keeper that does not answer; the usual one when absent. */
  readonly patience?: KeeperPatience | undefined;
}

/** Carries changes of the agent's own program and of its keeper on, one look after the other, and keeps those told who start them. */
export class ProgramChanges {
  readonly #options: ProgramChangesOptions;
  readonly #silence: KeeperSilence;
  readonly #facts = new Map<string, ProgramChangeFacts>();

  constructor(options: ProgramChangesOptions) {
    this.#options = options;
    this.#silence = new KeeperSilence(options.clock, options.patience);
  }

  /** What there is to be done by a look at the host. */
  async carryOn(host: ObservedHost): Promise<void> {
    const { memory, onChangeOver } = this.#options;
    for (const change of unsettledChanges(memory.ledger)) this.#run(change);
    const known = changesOf(memory.ledger);
    for (const id of this.#facts.keys()) if (known[id] === undefined) this.#facts.delete(id);
    if (await tellPrograms(this.#options, host)) onChangeOver();
  }

  /** When the host can't be looked at: a keeper on trial that does not answer is the reason that nobody else would see to. */
  carryOnUnseen(): void {
    for (const change of unsettledChanges(this.#options.memory.ledger)) if (canBeSilent(change)) this.#run(change);
  }

  #run({ grant: { id } }: ProgramChange): void {
    this.#options.lanes.run(id, (signal) => this.#step(id, signal));
  }

  async #step(id: string, signal: AbortSignal): Promise<boolean> {
    const { log, waiting, onMoved, onStep } = this.#options;
    const ports: ChangePorts = {
      ...this.#options,
      silence: this.#silence,
      onStep: (from, plan, look) => {
        waiting.set(id, plan.waitingOn);
        const { next } = plan;
        if (next.phase !== from.phase) {
          const end = "end" in next ? { end: next.end } : {};
          log.info(
            { unit: next.release.unit, grant: id, from: from.phase, to: next.phase, ...end },
            "program-change.moved",
          );
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
