import { connect } from "node:net";
import type { Run, SiteDuties, SlotName, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { durationMs } from "@sluice/core/units/time";
import type { RunningSlot } from "../drivers.ts";
import { artifactOf, releaseFolder, siteContent } from "../install/site-content.ts";
import { runOneShot } from "./one-shot.ts";
import { slotCommand, slotEnvironment } from "./slot-environment.ts";
import type { SlotsOptions } from "./slot-options.ts";
import type { SlotRecord, SlotRecords } from "./slot-record.ts";

/** A loopback or local network connection is up or refused well within this. */
const connectMsMax = 500;
/** A stop command may take at least this long, however short the grace. */
const stopMsMin = 10_000;

type ExternalRun = Run & { readonly driver: "external" };

/** A slot of the `external` driver: its process is somebody else's, so alive means that its port takes connections. */
export async function externalSlot(record: SlotRecord): Promise<RunningSlot> {
  const { site, slot, digest, version, host, port, startedAtMs } = record;
  return {
    site,
    slot,
    digest,
    version,
    target: { host, port, release: digest },
    pid: 0,
    startedAtMs,
    alive: await takesConnections(host, port),
    restarts: 0,
  };
}

/**
 * Runs the start command, if there is one. It is run again when an agent died before it could note the end of it,
 * so it has to bear being repeated.
 */
export async function startExternal(
  options: SlotsOptions,
  records: SlotRecords,
  slot: SlotName,
  release: UnitRelease,
  duties: SiteDuties,
): Promise<RunningSlot> {
  const { run, ready } = siteContent(release);
  if (run.driver !== "external")
    throw new Problem("internal", `cannot start ${duties.site} as external: its driver is ${run.driver}`);
  const place = parseAddress(run.addresses[slot], duties.site, slot);
  const record: SlotRecord = {
    site: duties.site,
    slot,
    digest: release.digest,
    version: release.version,
    ...place,
    driver: "external",
    phase: "starting",
    startedAtMs: options.clock.now(),
    logOffset: 0,
    ...commandsOf(run, options.dataDir, release, duties, { slot, ...place }),
  };
  await records.write(record);
  await runHook(options, records, record, "start", ready.withinMs);
  const running = { ...record, phase: "running" } as const;
  await records.write(running);
  return externalSlot(running);
}

/** Runs the stop command that belongs to what was started, if there is one. */
export async function stopExternal(
  options: SlotsOptions,
  records: SlotRecords,
  record: SlotRecord,
  graceMs: number,
): Promise<void> {
  await runHook(options, records, record, "stop", Math.max(graceMs, stopMsMin));
}

async function runHook(
  { keeper, dataDir }: SlotsOptions,
  records: SlotRecords,
  record: SlotRecord,
  hook: "start" | "stop",
  withinMs: number,
): Promise<void> {
  const command = record[hook];
  if (command === undefined) return;
  const { site, slot } = record;
  await runOneShot(keeper, dataDir, {
    id: `${hook}-${site}-${slot}`,
    what: `${hook} command of slot ${slot} of ${site}`,
    command: command.command,
    args: [...command.args],
    env: { ...record.env },
    cwd: record.cwd ?? records.folder(site, slot),
    withinMs: durationMs(withinMs),
  });
}

/** Recorded with the slot: a slot is stopped by the command of the release that started it. */
function commandsOf(
  run: ExternalRun,
  dataDir: string,
  release: UnitRelease,
  duties: SiteDuties,
  place: { readonly slot: SlotName; readonly host: string; readonly port: number },
): Pick<SlotRecord, "start" | "stop" | "env" | "cwd"> {
  const artifact = artifactOf(release);
  return {
    ...(run.start === undefined ? {} : { start: slotCommand(run.start, release, place.port) }),
    ...(run.stop === undefined ? {} : { stop: slotCommand(run.stop, release, place.port) }),
    env: slotEnvironment(release, duties, place, {}),
    ...(artifact === undefined ? {} : { cwd: releaseFolder(dataDir, artifact) }),
  };
}

function parseAddress(address: string, site: string, slot: SlotName): { readonly host: string; readonly port: number } {
  const url = URL.parse(`tcp://${address}`);
  if (url === null || url.hostname === "" || url.port === "") {
    throw new Problem(
      "release-invalid",
      `cannot use address '${address}' of slot ${slot} of ${site}: expected host:port`,
    );
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
}

/** Asked of every such slot with every look. */
function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (takes: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(takes);
    };
    const timer = setTimeout(end, connectMsMax, false);
    socket.once("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}
