import {
  applyVerb,
  changeEvents,
  gateNames,
  haltAllWords,
  type OperatorVerb,
  overrideEvent,
  overrideGate,
  Problem,
  type VerbContext,
  type VerbRefusal,
  verbEvent,
} from "@sluice/core";
import { includesRole, overriderRole, roles } from "@sluice/protocol";
import type { Store } from "../../simulation/store.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

const command =
  (verb: OperatorVerb): Command =>
  (stage, line) =>
    tell(stage, line, verb);

/** `approve r-1 --role release-manager --by eve`, and so on; `override r-1 window --reason "…"`. */
export const rolloutCommands: Readonly<Record<string, Command>> = {
  approve: command("approve"),
  ack: command("ack"),
  promote: command("promote"),
  pause: command("pause"),
  resume: command("resume"),
  abort: command("abort"),
  revert: command("revert"),
  keep: command("keep"),
  override,
};

type Entry = Store["rollouts"][number];

function entryOf({ store }: ScenarioFleet, id: string): Entry {
  const entry = store.rollouts.find(({ rollout }) => rollout.id === id);
  if (entry === undefined) throw new ScriptError(`there is no rollout '${id}'`);
  return entry;
}

function contextOf({ options }: CommandLine, { time }: ScenarioFleet): VerbContext {
  const { by = "ada", role, reason, as = "approver" } = options;
  const mayOverride = includesRole(roles.find((one) => one === as) ?? "viewer", overriderRole);
  return {
    by,
    now: time.now,
    mayOverride,
    ...(role === undefined ? {} : { role }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function verdictOn(fleet: ScenarioFleet, id: string) {
  return fleet.planned.get(id)?.input.verdict ?? ({ kind: "inconclusive", missing: [] } as const);
}

function tell(stage: Stage, line: CommandLine, verb: OperatorVerb): readonly string[] {
  assertOptions(line, ["by", "as", "role", "reason"]);
  const [, id = ""] = line.words;
  return stage.ask((fleet) => {
    const entry = entryOf(fleet, id);
    const { haltAll } = fleet.gates;
    if (verb === "resume" && haltAll !== undefined) {
      throw new Problem("verb-refused", `cannot resume rollout '${id}': ${haltAllWords(haltAll)}`);
    }
    const context = contextOf(line, fleet);
    const outcome = applyVerb({ ...entry, verdict: verdictOn(fleet, id), badReleases: fleet.store.bad }, verb, context);
    if ("refusal" in outcome) return refused(outcome.refusal);
    const { book, coordinator, promises } = fleet;
    book.add(
      verbEvent(entry.rollout, verb, context, context.now),
      ...changeEvents(entry, outcome.state, context.by, context.now),
    );
    coordinator.changeAll((one) => (one === entry ? outcome.state : undefined));
    if (verb === "ack") promises.gates.acknowledged(id);
    if (verb === "approve") promises.gates.approved(id, context.by);
    return [];
  });
}

function override(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["by", "reason"]);
  const [, id = "", name = ""] = line.words;
  const gate = gateNames.find((one) => one === name);
  if (gate === undefined) throw new ScriptError(`there is no gate '${name}'`);
  return stage.ask((fleet) => {
    const entry = entryOf(fleet, id);
    const context = contextOf(line, fleet);
    const outcome = overrideGate({ ...entry, verdict: verdictOn(fleet, id) }, gate, context);
    if ("refusal" in outcome) return refused(outcome.refusal);
    entry.rollout = outcome.rollout;
    fleet.book.add(overrideEvent(outcome.rollout, outcome.override, context.now));
    if ("at" in entry.state) fleet.promises.gates.overridden(id, gate, entry.state.at);
    return [];
  });
}

function refused({ reason, sentence }: VerbRefusal): never {
  throw new Problem(reason, sentence);
}
