import { isRoutine, Problem, stampWords, type TimelineEvent } from "@sluice/core";
import { ScriptError } from "./command-line.ts";
import type { EventBook } from "./event-book.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";

/** What a script plays on: the fleet that is set up last, and how much of its log was shown. */
export class Stage {
  #fleet: ScenarioFleet | undefined;
  #shown = 0;
  #book: EventBook | undefined;

  setUp(fleet: ScenarioFleet): void {
    this.#fleet = fleet;
    this.#book = fleet.book;
    this.#shown = 0;
  }

  get fleet(): ScenarioFleet {
    if (this.#fleet === undefined) throw new ScriptError("there is no fleet yet; begin with '> fleet'");
    return this.#fleet;
  }

  /** What the log tells that was not shown yet, without what is routine and what repeats a halt for those on call. */
  newEvents(): readonly string[] {
    const { fleet } = this;
    if (this.#book !== fleet.book) {
      // A backup forgets what came after it.
      this.#book = fleet.book;
      this.#shown = fleet.book.events.findLastIndex(({ kind }) => kind === "coordinator.started");
    }
    const fresh = fleet.book.events.slice(this.#shown);
    this.#shown = fleet.book.events.length;
    return fresh
      .filter((event) => !isRoutine(event) && event.kind !== "page.raised")
      .map((event) => shortLine(event, fleet.zone));
  }

  /** Carries out what an operator asks for; a refusal is what they read. */
  ask(act: (fleet: ScenarioFleet) => readonly string[]): readonly string[] {
    try {
      const { standstill } = this.fleet;
      if (standstill !== undefined) return [`refused: ${standstill}`];
      return act(this.fleet);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return [`refused: ${error.message}`, ...(error.hint === undefined ? [] : [`hint: ${error.hint}`])];
    }
  }
}

/** `09:00:56  rollout.halted  shop 2 is halted: …` */
function shortLine({ at, kind, sentence, host }: TimelineEvent, zone: string): string {
  const [, clock = ""] = stampWords(at, zone).split(" ");
  const where = host === undefined || sentence.includes(host) ? "" : `${host}: `;
  return `${clock}  ${kind}  ${where}${sentence}`;
}
