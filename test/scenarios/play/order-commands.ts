import { assertNamed } from "@sluice/coordinator/gates/order-desk";
import {
  changeEvents,
  type Freeze,
  freedFromHaltAll,
  freezeEvent,
  freezeWords,
  type HaltAll,
  haltAllEvent,
  haltLiftedEvent,
  heldByHaltAll,
  instant,
  type Mute,
  muteEvent,
  type NewEvent,
  type RolloutState,
  unfreezeEvent,
} from "@sluice/core";
import type { Store } from "../../simulation/store.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import { duration } from "./fleet-shape.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

/** What operators order for the whole fleet. */
export const orderCommands: Readonly<Record<string, Command>> = { freeze, mute, halt };

const list = (text: string | undefined): readonly string[] => text?.split(",") ?? [];

/** `freeze add audit --for 2h --env production --site shop --reason "…"`, `freeze list`, `freeze remove audit --reason "…"` */
function freeze(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["for", "env", "site", "reason", "by"]);
  const [, verb, name = ""] = line.words;
  const { by = "ada", reason = "" } = line.options;
  return stage.ask((fleet) => {
    const { gates, time, book, zone } = fleet;
    if (verb === "list") return gates.freezes.map((one) => `${one.name}: ${freezeWords(one.when)}, ${one.reason}`);
    if (verb === "add") {
      const to = instant(time.now + duration(line.options["for"] ?? "1h"));
      const named = {
        name,
        reason,
        owner: by,
        environments: list(line.options["env"]),
        sites: list(line.options["site"]),
      };
      const added: Freeze = { ...named, when: { kind: "once", from: time.now, to, zone } };
      assertNamed("freeze", added);
      gates.freezes.push(added);
      book.add(freezeEvent(added, by, time.now));
      return [];
    }
    const index = gates.freezes.findIndex((one) => one.name === name);
    const [removed] = index < 0 ? [] : gates.freezes.splice(index, 1);
    if (removed === undefined) throw new ScriptError(`there is no freeze '${name}'`);
    book.add(unfreezeEvent(removed, by, reason, time.now));
    return [];
  });
}

/** `mute add patching --for 1h --owner eve --reason "…"` */
function mute(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["for", "site", "owner", "reason", "by"]);
  const [, , name = ""] = line.words;
  const { by = "ada", reason = "", owner = "" } = line.options;
  return stage.ask(({ gates, time, book }) => {
    const to = instant(time.now + duration(line.options["for"] ?? "1h"));
    assertNamed("mute", { name, owner, reason });
    const added: Mute = { name, owner, reason, by, from: time.now, to, sites: list(line.options["site"]) };
    gates.mutes.push(added);
    book.add(muteEvent(added, time.now));
    return [];
  });
}

/** `halt --all --reason "…"`, `halt --clear` */
function halt(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["all", "clear", "reason", "by"]);
  const { by = "ada", reason = "" } = line.options;
  return stage.ask((fleet) => {
    const { gates, time } = fleet;
    const { now } = time;
    if ("clear" in line.options) {
      gates.haltAll = undefined;
      const event = (ids: readonly string[]) => haltLiftedEvent(by, line.options["reason"], ids, now);
      return changeAll(fleet, by, event, ({ rollout, state }) => freedFromHaltAll(rollout, state, by, now));
    }
    const ordered: HaltAll = { by, reason, at: now };
    gates.haltAll = ordered;
    return changeAll(
      fleet,
      by,
      (ids) => haltAllEvent(ordered, ids),
      ({ rollout, state }) => heldByHaltAll(rollout, state, ordered),
    );
  });
}

function changeAll(
  { store, coordinator, book, time }: ScenarioFleet,
  by: string,
  event: (ids: readonly string[]) => NewEvent,
  next: (entry: Store["rollouts"][number]) => RolloutState | undefined,
): readonly string[] {
  const changed = store.rollouts.flatMap((entry) => {
    const state = next(entry);
    return state === undefined ? [] : [{ entry, state }];
  });
  book.add(event(changed.map(({ entry }) => entry.rollout.id)));
  for (const { entry, state } of changed) book.add(...changeEvents(entry, state, by, time.now));
  coordinator.changeAll((entry) => changed.find((one) => one.entry === entry)?.state);
  return [];
}
