import { findUnrepresented, localWords, type Phase, parseLocalTime, phasesAllowing } from "@sluice/core";
import { beatMs } from "../../simulation/report.ts";
import { isOver } from "../../simulation/unsettled.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import { duration, quietOptions, shapedFleet } from "./fleet-shape.ts";
import { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

const shapeOptions = [
  ...["acceptance", "production", "start", "zone", "public", "on-regression", "max-unavailable"],
  ...["window", "attended", "approval", "waves", "soak", "max-wait", "unconfirmed", "skip-lost-after", "agents"],
  ...["keepers", "certificates"],
];

/** How far `advance until` goes when nobody says. */
const untilMaxMs = 2 * 3_600_000;

/** The fleet, its file, and the time that passes. */
export const fleetCommands: Readonly<Record<string, Command>> = { fleet, apply, advance };

/** `fleet --production 3 --start "2024-03-06 09:00" --zone Europe/Oslo`: a fleet at rest, everything on release 0. */
function fleet(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, shapeOptions);
  const asked = line.options;
  const { zone = "UTC", start = "2026-03-02 09:00" } = asked;
  const startsAt = parseLocalTime(start, zone, "start");
  if (startsAt === undefined) throw new ScriptError(`'${start}' is no time`);
  const skipLost = asked["skip-lost-after"];
  const options = quietOptions({
    ...(skipLost === undefined ? {} : { skipLostMs: duration(skipLost) }),
    ...(asked["agents"] === undefined ? {} : { programs: { everyMs: 0, bad: 0, watchdogCrashEveryMs: 0 } }),
    ...(asked["keepers"] === undefined ? {} : { keepers: { everyMs: 0, bad: 0, crashEveryMs: 0 } }),
    ...(asked["certificates"] === undefined ? {} : { renewals: { everyMs: 0, bad: 0, left: 0 } }),
    acceptance: Number(asked["acceptance"] ?? 1),
    production: Number(asked["production"] ?? 3),
    maxUnavailable: Number(asked["max-unavailable"] ?? 1),
    onRegression: asked["on-regression"] === "hold" ? "hold" : "revert",
  });
  const fleetOf = (places: Parameters<typeof shapedFleet>[1]) => shapedFleet(options, places, asked, zone);
  stage.setUp(new ScenarioFleet({ options, startsAt, zone, fleetOf }));
  const hosts = Object.entries(Object.groupBy(stage.fleet.places, ({ environment }) => environment));
  const named = hosts.map(
    ([environment, places = []]) => `${environment} (${places.map(({ name }) => name).join(", ")})`,
  );
  const closed = findUnrepresented(stage.fleet.gates.fleet).map(
    ({ environment, sentence }) => `${environment} is closed by representativeness: ${sentence}`,
  );
  return [`${localWords(stage.fleet.time.now, zone)}: ${named.join(" → ")}`, ...closed];
}

/** `apply --public everywhere`: the fleet file is mended. */
function apply(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, shapeOptions);
  const { options, places, zone, gates } = stage.fleet;
  return stage.ask((on) => {
    on.gates.fleet = shapedFleet(options, places, line.options, zone);
    const sentence = "ada applied the fleet file";
    on.book.add({ at: on.time.now, kind: "fleet.applied", by: "ada", sentence });
    return findUnrepresented(gates.fleet).map(
      (one) => `${one.environment} is closed by representativeness: ${one.sentence}`,
    );
  });
}

/** `advance 10m`; `advance until observing`, for the newest rollout, two hours at most. */
function advance(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["within"]);
  const { fleet: on } = stage;
  const [, first = "", phase] = line.words;
  if (first !== "until") {
    on.advance(duration(first), () => false);
    return [];
  }
  const phases: readonly Phase[] = [
    ...Object.values(phasesAllowing).flat(),
    "completed",
    "reverting",
    "reverted",
    "aborted",
  ];
  if (!phases.some((one) => one === phase)) throw new ScriptError(`'${phase}' is no phase`);
  const newest = on.store.rollouts.at(-1)?.rollout.id;
  const isThere = (): boolean => on.store.rollouts.find(({ rollout }) => rollout.id === newest)?.state.phase === phase;
  on.advance(line.options["within"] === undefined ? untilMaxMs : duration(line.options["within"]), isThere);
  if (isThere()) {
    // The hosts have yet to be told how it ended.
    if (phase !== undefined && isOver(phase as Phase)) on.advance(2 * beatMs, () => false);
    return [];
  }
  throw new ScriptError(`rollout ${newest} is not ${phase} but ${on.store.rollouts.at(-1)?.state.phase}`);
}
