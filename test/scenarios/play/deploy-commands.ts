import { assertUnitsFree } from "@sluice/coordinator/rollouts/launch";
import {
  type GateName,
  gateNames,
  haltAllWords,
  type Override,
  Problem,
  type ProgramUnit,
  type Rollout,
  startEvents,
} from "@sluice/core";
import { nameHosts } from "@sluice/core/rollout/wave";
import type { Behaviour } from "../../simulation/history-options.ts";
import { badProgramsOf } from "../../simulation/program-behaviour.ts";
import { type Extent, rebootOf, renewalOf, rolloutOf, unitsOf } from "../../simulation/simulated-fleet.ts";
import { isOver } from "../../simulation/unsettled.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import { duration, siteNames } from "./fleet-shape.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

/** What begins a rollout. */
export const deployCommands: Readonly<Record<string, Command>> = { deploy, restart, host: rebootHosts };

const behaviours: readonly Behaviour[] = [
  ...(["good", "dies-on-start", "bad-before", "bad-after", "bad-edge", "bad-later", "bad-after-soak"] as const),
  ...(["crashes-later", "misses-binding", "misses-binding-later"] as const),
];

/** `deploy shop 2 --what proxy --behaves misses-binding --to acceptance --override window --reason "…" --by eve` */
function deploy(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["what", "behaves", "to", "hosts", "override", "reason", "by", "one-way"]);
  const [, site = "", number = ""] = line.words;
  const { what = "site", behaves = "good" } = line.options;
  const extent = (["pair", "site", "proxy", "front", "all"] as const).find((one) => one === what);
  const behaviour = behaviours.find((one) => one === behaves);
  if (
    !siteNames.some((one) => one === site) ||
    extent === undefined ||
    behaviour === undefined ||
    !/^\d+$/.test(number)
  )
    throw new ScriptError(
      `sites are ${siteNames.join(", ")}, releases are numbers, behaviours are ${behaviours.join(", ")}`,
    );
  return stage.ask((fleet) => {
    for (const { digest, unit } of unitsOf(site, Number(number), extent)) {
      if (unit.startsWith("site:") !== behaviour.startsWith("misses-")) fleet.behaviours.set(digest, behaviour);
    }
    return begin(fleet, line, { site, extent, number: Number(number), title: titleOf(site, number, extent) });
  });
}

function titleOf(site: string, number: string, extent: Extent): string {
  if (extent === "site" || extent === "all") return `${site} ${number}`;
  if (extent === "front") return `front ${number}`;
  return extent === "proxy" ? `proxy settings ${number} of ${site}` : `${site} ${number} with its proxy`;
}

/** `restart shop --what proxy` */
function restart(stage: Stage, line: CommandLine): readonly string[] {
  const [, site = ""] = line.words;
  if (site === "agents") return restartPrograms(stage, line, "agent");
  if (site === "keepers") return restartPrograms(stage, line, "keeper");
  if (site === "certificates") return restartCertificates(stage, line);
  assertOptions(line, ["what", "to", "hosts", "reason", "by"]);
  const extent: Extent = line.options["what"] === "proxy" ? "proxy" : "site";
  const title = `restart of ${extent === "proxy" ? "the proxy of " : ""}${site}`;
  return stage.ask((fleet) => begin(fleet, line, { site, extent, title }));
}

/** `restart agents --version 2 --behaves dies`: every agent, or keeper, becomes another version, or the same is started again. */
function restartPrograms(stage: Stage, line: CommandLine, unit: ProgramUnit): readonly string[] {
  assertOptions(line, ["version", "behaves", "reason", "by"]);
  const { version, behaves = "good" } = line.options;
  const behaviour = ["good" as const, ...badProgramsOf[unit]].find((one) => one === behaves);
  const { programs, keepers } = stage.fleet.options;
  if (behaviour === undefined || (unit === "agent" ? programs : keepers) === undefined)
    throw new ScriptError(`versions behave as ${badProgramsOf[unit].join(", ")}, on a fleet --${unit}s`);
  return stage.ask((fleet) => {
    const number = version === undefined ? {} : { number: Number(version) };
    if (version !== undefined) fleet.programs.set(`${unit}-${version}`, behaviour);
    const title = version === undefined ? `restart ${unit}s` : `${unit} ${version}`;
    return begin(fleet, line, { site: unit, extent: unit, title, ...number });
  });
}

/** `restart certificates --to production`: everything there that presents one is started again with what lies on disk. */
function restartCertificates(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["to", "reason", "by"]);
  const { to: environment = "" } = line.options;
  return stage.ask((fleet) => {
    const { store, time, gates } = fleet;
    const id = `r-${store.rollouts.length + 1}`;
    const title = `restart of what presents a certificate in ${environment}`;
    fleet.promises.gates.concernsOneEnvironment(id);
    return launch(fleet, line, renewalOf(gates.fleet, store.proven, { id, now: time.now, environment, title }));
  });
}

/** `host reboot at-1 web-1 --takes 40s --stays-away web-1 --reason "…"`: `--stays-away` never comes back by itself */
function rebootHosts(stage: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["takes", "stays-away", "reason", "by"]);
  const [, verb, ...hosts] = line.words;
  if (verb !== "reboot" || hosts.length === 0) throw new ScriptError("host reboot HOST...");
  const { takes = "40s", "stays-away": away = "" } = line.options;
  return stage.ask((fleet) => {
    for (const host of hosts) fleet.rebootMs.set(host, away.split(",").includes(host) ? foreverMs : duration(takes));
    const { store, time, gates } = fleet;
    const id = `r-${store.rollouts.length + 1}`;
    const title = `reboot of ${nameHosts(hosts)}`;
    const rollout = rebootOf(gates.fleet, store.proven, { id, now: time.now, hosts, title });
    return launch(fleet, line, rollout);
  });
}

/** Longer than any scenario. */
const foreverMs = 7 * 24 * 3_600_000;

interface Wanted {
  readonly site: string;
  readonly extent: Extent;
  readonly title: string;
  /** Absent: a restart. */
  readonly number?: number;
}

function begin(fleet: ScenarioFleet, line: CommandLine, { title, ...wanted }: Wanted): readonly string[] {
  const { store, time, gates } = fleet;
  const { options } = line;
  const id = `r-${store.rollouts.length + 1}`;
  const hosts = hostsOf(fleet, options);
  const plain = rolloutOf(gates.fleet, store.proven, { id, now: time.now, hosts, ...wanted });
  return launch(fleet, line, { ...plain, title });
}

function launch(fleet: ScenarioFleet, { options, text }: CommandLine, plain: Rollout): readonly string[] {
  const { store, time, gates, coordinator, promises, book } = fleet;
  const { title } = plain;
  if (gates.haltAll !== undefined)
    throw new Problem("verb-refused", `cannot start '${title}': ${haltAllWords(gates.haltAll)}`);
  const { by = "ada", reason, "one-way": oneWay } = options;
  const overrides = overridesOf(options["override"], { by, reason, text }, fleet);
  const rollout: Rollout = {
    ...plain,
    by,
    overrides,
    ...(reason === undefined ? {} : { reason }),
    ...(oneWay === undefined ? {} : { oneWay }),
  };
  const changes = rollout.stages.flatMap(({ waves }) => waves.flat());
  if (changes.length === 0) return ["nothing to change"];
  assertUnitsFree(
    store.rollouts.filter(({ state }) => !isOver(state.phase)),
    [{ rollout }],
  );
  const before = structuredClone(store.desired);
  coordinator.start(rollout, {});
  store.desired = before;
  for (const { host, units } of changes) {
    store.desired[host] = { ...store.desired[host], ...Object.fromEntries(units.map(({ unit, to }) => [unit, to])) };
  }
  for (const { check } of overrides) noteEverywhere(promises.gates, rollout, check as GateName);
  book.add(...startEvents(rollout, time.now));
  return [];
}

function hostsOf({ places }: ScenarioFleet, { to, hosts }: CommandLine["options"]): readonly string[] {
  const named = hosts?.split(",") ?? places.map(({ name }) => name);
  return to === undefined
    ? named
    : named.filter((host) => places.find(({ name }) => name === host)?.environment === to);
}

function overridesOf(
  gate: string | undefined,
  { by, reason, text }: { readonly by: string; readonly reason: string | undefined; readonly text: string },
  { time }: ScenarioFleet,
): readonly Override[] {
  if (gate === undefined) return [];
  const check = gateNames.find((one) => one === gate);
  if (check === undefined) throw new ScriptError(`there is no gate '${gate}' in '> ${text}'`);
  if (reason === undefined)
    throw new Problem("reason-missing", `cannot switch off the check '${gate}' without a reason`);
  return [{ check, by, reason, at: time.now }];
}

/** The checks keep books of their own over what was overridden for which wave. */
function noteEverywhere(gates: ScenarioFleet["promises"]["gates"], { id, stages }: Rollout, gate: GateName): void {
  for (const [stage, { waves }] of stages.entries()) {
    for (const wave of waves.keys()) gates.overridden(id, gate, { stage, wave });
  }
}
