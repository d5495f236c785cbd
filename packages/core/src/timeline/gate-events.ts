import type { GateState } from "../gates/gate.ts";
import type { Rollout, WaveAt } from "../rollout/rollout.ts";
import type { Instant } from "../units/time.ts";
import type { NewEvent } from "./event.ts";

/** What the log says of the gates before the wave that is next; kept with the events, so that a restart tells nothing twice. */
export interface ToldGates {
  readonly at: WaveAt;
  readonly states: Readonly<Partial<Record<GateState["gate"], GateState["state"]>>>;
}

/** Events to be kept together with what is told by them; `told` is the very same object when there is nothing to tell. */
export interface GateTidings {
  readonly events: readonly NewEvent[];
  readonly told: ToldGates | undefined;
}

/**
 * Tells when a gate refuses the wave that is next, and when it lets it go. Gates that are open from the beginning are
 * told by the start of the wave, an override by itself: only the change of a gate by itself is news here.
 */
export function gateEvents(
  { id, title, stages }: Rollout,
  at: WaveAt,
  gates: readonly GateState[],
  told: ToldGates | undefined,
  now: Instant,
): GateTidings {
  const isSameWave = told?.at.stage === at.stage && told.at.wave === at.wave;
  const before: ToldGates["states"] = isSameWave ? told.states : {};
  const changed = gates.filter(({ gate, state }) => state !== before[gate]);
  const gone = Object.keys(before).length !== gates.length;
  if (isSameWave && changed.length === 0 && !gone) return { events: [], told };
  const wave = `wave ${at.wave + 1} of ${stages[at.stage]?.waves.length ?? 0}`;
  const events = changed.flatMap((gate): readonly NewEvent[] => {
    const verb = verbOf(gate, before[gate.gate]);
    if (verb === undefined) return [];
    const sentence = `${gate.gate} ${verb === "refused" ? "keeps back" : "lets go"} ${title} (${gate.environment}, ${wave}): ${gate.sentence}`;
    return [{ at: now, kind: `gate.${verb}`, by: "coordinator", sentence, rollout: id, details: gate }];
  });
  return { events, told: { at, states: Object.fromEntries(gates.map(({ gate, state }) => [gate, state])) } };
}

function verbOf({ state }: GateState, before: GateState["state"] | undefined): "refused" | "opened" | undefined {
  if (state === "closed") return "refused";
  return state === "open" && before === "closed" ? "opened" : undefined;
}
