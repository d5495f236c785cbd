import { access } from "node:fs/promises";
import { join } from "node:path";
import type { SiteDuties, SlotName, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { findFreePorts, isPortFree, slotPorts } from "@sluice/runtime/ports/find-free-ports";
import type { RunningSlot } from "../drivers.ts";
import { artifactOf, releaseFolder, siteContent } from "../install/site-content.ts";
import type { KeptChild } from "../keeper/keeper-api.ts";
import { logSize } from "./log-tail.ts";
import { slotCommand, slotEnvironment } from "./slot-environment.ts";
import type { SlotsOptions } from "./slot-options.ts";
import { type SlotRecord, type SlotRecords, slotChildId } from "./slot-record.ts";

/** Slots listen where only this machine can reach them. */
const slotHost = "127.0.0.1";

/** A slot of the `process` driver, as record and keeper describe it together. */
export function processSlot(record: SlotRecord, child: KeptChild): RunningSlot {
  const { site, slot, digest, version, host, port } = record;
  return {
    site,
    slot,
    digest,
    version,
    target: { host, port, release: digest },
    pid: child.pid ?? 0,
    startedAtMs: child.startedAt ?? record.startedAtMs,
    alive: child.phase === "running",
    restarts: child.restarts,
  };
}

/** Starts a site in a slot that is empty. The record comes first: whatever runs is known by it, also to a later agent. */
export async function startProcess(
  options: SlotsOptions,
  records: SlotRecords,
  slot: SlotName,
  release: UnitRelease,
  duties: SiteDuties,
): Promise<RunningSlot> {
  const { keeper, dataDir, clock } = options;
  const { site } = duties;
  const { run } = siteContent(release);
  if (run.driver !== "process")
    throw new Problem("internal", `cannot start ${site} as a process: its driver is ${run.driver}`);
  const id = slotChildId(site, slot);
  const record: SlotRecord = {
    site,
    slot,
    digest: release.digest,
    version: release.version,
    host: slotHost,
    port: await choosePort(records, site, slot, release.digest),
    driver: "process",
    phase: "running",
    startedAtMs: clock.now(),
    logOffset: await logSize(dataDir, id),
  };
  const cwd = await workFolder(dataDir, records, slot, release, site);
  await records.write(record);
  const child = await keeper.ensureChild(id, {
    ...slotCommand(run.command, release, record.port),
    env: slotEnvironment(release, duties, { slot, host: slotHost, port: record.port }, run.env),
    cwd,
    sockets: [],
    restart: "on-exit",
  });
  return processSlot(record, child);
}

/** The port it had, when this is the same release coming back and nobody took it; else one that no slot owns. */
async function choosePort(records: SlotRecords, site: string, slot: SlotName, digest: string): Promise<number> {
  const before = await records.read(site, slot);
  const isBack = before?.driver === "process" && before.digest === digest;
  if (isBack && (await isPortFree(before.port, slotHost))) return before.port;
  const [port = 0] = await findFreePorts(1, slotPorts, new Set((await records.all()).map((record) => record.port)));
  return port;
}

async function workFolder(
  dataDir: string,
  records: SlotRecords,
  slot: SlotName,
  release: UnitRelease,
  site: string,
): Promise<string> {
  const artifact = artifactOf(release);
  if (artifact === undefined) return records.folder(site, slot);
  const folder = releaseFolder(dataDir, artifact);
  await access(join(folder, ".complete")).catch((cause: unknown) => {
    throw new Problem("artifact-unknown", `cannot start slot ${slot} of ${site}: its files are not installed`, {
      cause,
    });
  });
  return folder;
}
