import { rolloutView } from "@sluice/cli/screen/rollout-view";
import { createTestWorld } from "@sluice/cli/testing/test-world";
import { toWireRollout } from "@sluice/coordinator/rpc/wire-rollout";
import {
  describeRollout,
  diffHost,
  formatDuration,
  type HostView,
  parseMoment,
  renderIncidentReport,
  renderTimeline,
  stampWords,
  type UnitKey,
} from "@sluice/core";
import { simulatedRelease } from "../../simulation/simulated-fleet.ts";
import type { Store } from "../../simulation/store.ts";
import { isOver } from "../../simulation/unsettled.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

/** Looking, which changes nothing. */
export const lookCommands: Readonly<Record<string, Command>> = { status, rollout, timeline, pages, ask };

/** `status --host web-1`: what is not as it should be on every host, and every rollout that has not ended. */
function status({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["host"]);
  const hosts = fleet.places.map(({ name }) => name).filter((name) => (line.options["host"] ?? name) === name);
  const standing = fleet.standstill;
  return [
    ...(standing === undefined ? [] : [`! coordinator: ${standing}`]),
    ...hosts.flatMap((host) => hostLines(fleet, host, "host" in line.options)),
    ...fleet.store.rollouts.filter(({ state }) => !isOver(state.phase)).map((entry) => rolloutLine(fleet, entry)),
  ];
}

function hostLines(fleet: ScenarioFleet, host: string, all: boolean): readonly string[] {
  const { store, observations, time } = fleet;
  const desired = Object.entries(store.desired[host] ?? {}).map(([unit, digest]) => ({
    unit: unit as UnitKey,
    digest,
    version: simulatedRelease(digest).version,
  }));
  const differences = diffHost(desired, observations.get(host), time.now);
  const shown = differences.filter(({ kind }) => all || kind !== "in-sync");
  if (!fleet.isConnected(host))
    return [`${host}  silent; its last word is ${formatDuration(fleet.silentFor(host))} old`];
  if (shown.length === 0) return [`${host}  in sync`];
  return shown.map(({ kind, sentence }) => `${host}  ${kind}: ${sentence}`);
}

function rolloutLine(
  { planned, time }: ScenarioFleet,
  { rollout: { id, ...told }, state }: Store["rollouts"][number],
): string {
  const waitingOn = planned.get(id)?.waitingOn ?? [];
  return `${id}  ${told.title}: ${describeRollout({ id, ...told }, state, waitingOn, time.now)}`;
}

/** `rollout r-1`: as `sluice rollout show` prints it */
function rollout({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const index = fleet.store.rollouts.findIndex((one) => one.rollout.id === line.words[1]);
  const entry = fleet.store.rollouts[index];
  if (entry === undefined) throw new ScriptError(`there is no rollout '${line.words[1]}'`);
  const known = fleet.planned.get(entry.rollout.id);
  const { now } = fleet.time;
  const isWaiting = entry.state.phase === "waiting-for-gates";
  const ended = isOver(entry.state.phase) ? { endedAt: entry.state.since } : {};
  const light = {
    now,
    waitingOn: known?.waitingOn ?? [],
    gates: isWaiting ? (known?.gates ?? []) : [],
    hosts: viewsOf(fleet),
  };
  const wire = toWireRollout({ ...entry, ...ended, number: index }, light);
  return [rolloutView(wire, { nowMs: now, columns: 120, colors: createTestWorld().colors })];
}

const viewsOf = (fleet: ScenarioFleet): Readonly<Record<string, HostView>> =>
  Object.fromEntries(
    [...fleet.observations].map(([host, observation]) => [host, { connected: fleet.isConnected(host), observation }]),
  );

/** `timeline --since 1h --rollout r-1 --format markdown`: as `sluice timeline` prints it */
function timeline({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["since", "rollout", "format"]);
  const { book, time, zone } = fleet;
  const { since = "1d", rollout: id, format } = line.options;
  const from = parseMoment(since, time.now, zone) ?? time.now;
  const events = book.events.filter((event) => event.at >= from && (id ?? event.rollout) === event.rollout);
  const view = { zone, now: time.now };
  return [format === "markdown" ? renderIncidentReport(events, view) : renderTimeline(events, view)];
}

/** `pages`: what those on call were told, oldest first */
function pages({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const { book, zone } = fleet;
  const raised = book.events.filter(({ kind }) => kind === "page.raised");
  return raised.map(({ at, sentence }) => `${stampWords(at, zone)}  ${sentence}`);
}

/** `ask shop web-1`: what users are answered there now, name by name */
function ask({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const [, site, name] = line.words;
  const host = fleet.hosts.find((one) => one.name === name);
  if (host === undefined) throw new ScriptError(`there is no host '${name}'`);
  return host
    .askAsUsers()
    .filter((result) => result.site === site)
    .map(({ binding, hop, outcome }) => {
      const words = outcome.kind === "good" ? `answered ${outcome.status}` : outcome.reason;
      return `${binding} via ${hop}: ${words}`;
    });
}
