import { judgeIntent } from "@sluice/core";
import type { SimHost } from "../../simulation/sim-host.ts";
import { assertOptions, type CommandLine, ScriptError } from "./command-line.ts";
import type { Command } from "./commands.ts";
import { duration, siteNames } from "./fleet-shape.ts";
import type { ScenarioFleet } from "./scenario-fleet.ts";
import type { Stage } from "./stage.ts";

/** What breaks, and comes back; none of it asks the coordinator. */
export const faultCommands: Readonly<Record<string, Command>> = {
  kill,
  renew,
  start,
  reboot,
  crash,
  break: breakSite,
  mend,
  cut,
  join,
  backup,
  resend,
  spoil,
};

function hostOf({ hosts }: ScenarioFleet, name: string | undefined): SimHost {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined)
    throw new ScriptError(`there is no host '${name}'; there are ${hosts.map((one) => one.name).join(", ")}`);
  return host;
}

/** `kill agent web-1 --for 30s`, `kill keeper web-1`, `kill coordinator` */
function kill({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["for"]);
  const [, what, name] = line.words;
  const ms = duration(line.options["for"] ?? "30s");
  if (what === "coordinator") {
    fleet.killCoordinator();
    if (line.options["for"] !== undefined) fleet.time.after(ms, () => fleet.startCoordinator());
  } else if (what === "agent") hostOf(fleet, name).crash(ms);
  else if (what === "keeper") hostOf(fleet, name).killKeeper();
  else throw new ScriptError("kill agent HOST, kill keeper HOST, or kill coordinator");
  return [];
}

/** `renew production --pair 2 --trusted no`: another pair lies on the disks of an environment, and nothing presents it yet. */
function renew({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["pair", "trusted"]);
  const { pair = "", trusted = "yes" } = line.options;
  if (fleet.options.renewals === undefined || pair === "")
    throw new ScriptError("renew ENVIRONMENT --pair NUMBER, on a fleet --certificates");
  fleet.pairs.set(`pair-${pair}`, trusted === "yes" ? "good" : "untrusted");
  for (const host of fleet.hosts) if (host.environment === line.words[1]) host.renewPair(`pair-${pair}`);
  return [];
}

/** `start coordinator`, with `--adopt-fence` as the operator's word that its store is the right one */
function start({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["adopt-fence"]);
  if ("adopt-fence" in line.options) fleet.adopt();
  else fleet.startCoordinator();
  return [];
}

/** `reboot web-1 --for 1m` */
function reboot({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, ["for"]);
  for (const name of line.words.slice(1)) hostOf(fleet, name).reboot(duration(line.options["for"] ?? "1m"));
  return [];
}

/** `crash shop web-1`: the copy that users reach ends, and the keeper starts it again. */
function crash({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const [, site = "", name] = line.words;
  hostOf(fleet, name).crashSite(site);
  return [];
}

/** `break shop web-1 web-2`: something that the site needs is away on all of them, whatever release is live, until `mend` */
function breakSite({ fleet }: Stage, line: CommandLine): readonly string[] {
  for (const outage of outagesOf(fleet, line)) fleet.outages.add(outage);
  return [];
}

function mend({ fleet }: Stage, line: CommandLine): readonly string[] {
  for (const outage of outagesOf(fleet, line)) fleet.outages.delete(outage);
  return [];
}

/** Of hosts that answer otherwise from now on. */
function outagesOf(fleet: ScenarioFleet, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const [verb, site = "", ...names] = line.words;
  if (!siteNames.some((one) => one === site) || names.length === 0)
    throw new ScriptError(`${verb} SITE HOST..., of ${siteNames.join(", ")}`);
  return names.map((name) => {
    const host = hostOf(fleet, name);
    host.machine.changed();
    return `${host.name}|${site}`;
  });
}

/** `cut web-1 web-2`: no word from them and none to them, until `join` */
function cut({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  for (const name of line.words.slice(1)) fleet.cut.add(hostOf(fleet, name).name);
  return [];
}

function join({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  for (const name of line.words.slice(1)) fleet.cut.delete(hostOf(fleet, name).name);
  return [];
}

/** `backup take`, `backup restore`: the coordinator's store is the one that was kept then. */
function backup({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  if (line.words[1] === "take") fleet.takeBackup();
  else if (!fleet.restoreBackup()) throw new ScriptError("no backup was taken");
  return [];
}

/** `resend web-1`: the first intent that the host was ever sent arrives once more */
function resend({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const host = hostOf(fleet, line.words[1]);
  const old = fleet.firstIntents.get(host.name);
  if (old === undefined) throw new ScriptError(`nothing was sent to ${host.name}`);
  const { memory } = host.disk.ledger;
  const verdict = judgeIntent(memory, old);
  host.receive(old, false, false);
  const after = host.disk.ledger.memory.generation;
  return [
    `${host.name} is told generation ${old.generation} and judges it ${verdict.kind}; it obeys ${memory.generation} before and ${after} after`,
  ];
}

/** `spoil shop 0`: from now on no copy of this release starts any more, as when the data it needs is gone */
function spoil({ fleet }: Stage, line: CommandLine): readonly string[] {
  assertOptions(line, []);
  const [, site, number] = line.words;
  fleet.behaviours.set(`${site}-${number}`, "dies-on-start");
  return [];
}
