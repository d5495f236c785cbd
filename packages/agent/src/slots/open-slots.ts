import { resolve } from "node:path";
import type { SiteDuties, SlotName, UnitRelease } from "@sluice/core";
import type { RunningSlot, Slots } from "../drivers.ts";
import { siteContent } from "../install/site-content.ts";
import { awaitReady } from "./await-ready.ts";
import { externalSlot, startExternal, stopExternal } from "./external-slots.ts";
import { processSlot, startProcess } from "./process-slots.ts";
import type { SlotsOptions } from "./slot-options.ts";
import { type SlotRecord, SlotRecords, slotChildId } from "./slot-record.ts";

/** Grace for what still runs in a slot that is to be started anew; no request goes there any more. */
const replaceGraceMs = 5000;

/** Copies of sites on this host. See {@link Slots}. */
export function openSlots(given: SlotsOptions): Slots {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const records = new SlotRecords(options.dataDir);
  const inTurn = turns();
  return {
    list: () => list(options, records),
    start: (site, slot, release, duties) =>
      inTurn(slotChildId(site, slot), () => start(options, records, slot, release, duties)),
    awaitReady: async (slot, release, duties, signal) => {
      const { keeper, dataDir, clock } = options;
      const record = await records.read(slot.site, slot.slot);
      const watchProcess = siteContent(release).run.driver === "process";
      const logOffset = record?.logOffset ?? 0;
      await awaitReady(slot, release, duties, { keeper, dataDir, clock, logOffset, watchProcess, signal });
    },
    stop: (site, slot, graceMs) => inTurn(slotChildId(site, slot), () => stop(options, records, site, slot, graceMs)),
  };
}

async function list({ keeper }: SlotsOptions, records: SlotRecords): Promise<readonly RunningSlot[]> {
  const [status, all] = await Promise.all([keeper.status(), records.all()]);
  const slots = await Promise.all(
    all.map(async (record) => {
      if (record.driver === "external") return record.phase === "running" ? externalSlot(record) : undefined;
      const child = status.children.find(({ id }) => id === slotChildId(record.site, record.slot));
      return child === undefined ? undefined : processSlot(record, child);
    }),
  );
  return slots.filter((slot) => slot !== undefined);
}

async function start(
  options: SlotsOptions,
  records: SlotRecords,
  slot: SlotName,
  release: UnitRelease,
  duties: SiteDuties,
): Promise<RunningSlot> {
  const { site } = duties;
  const running = await runningAlready(options, records, site, slot, release.digest);
  if (running !== undefined) return running;
  await clear(options, records, site, slot, replaceGraceMs, release.digest);
  const begin = siteContent(release).run.driver === "process" ? startProcess : startExternal;
  return begin(options, records, slot, release, duties);
}

/** The slot when it runs `digest` or is about to again after a crash. */
async function runningAlready(
  { keeper }: SlotsOptions,
  records: SlotRecords,
  site: string,
  slot: SlotName,
  digest: string,
): Promise<RunningSlot | undefined> {
  const record = await records.read(site, slot);
  if (record?.digest !== digest || record.phase !== "running") return undefined;
  if (record.driver === "external") return externalSlot(record);
  const { children } = await keeper.status();
  const child = children.find(({ id }) => id === slotChildId(site, slot));
  const runs = child?.phase === "running" || child?.phase === "restarting";
  return child !== undefined && runs ? processSlot(record, child) : undefined;
}

/** Ends whatever is in the slot. The record of `comingBack` stays, for its port. */
async function clear(
  options: SlotsOptions,
  records: SlotRecords,
  site: string,
  slot: SlotName,
  graceMs: number,
  comingBack?: string,
): Promise<void> {
  const record: SlotRecord | undefined = await records.read(site, slot);
  await options.keeper.removeChild(slotChildId(site, slot), graceMs);
  if (record === undefined || record.digest === comingBack) return;
  if (record.driver === "external") await stopExternal(options, records, record, graceMs);
  await records.forget(site, slot);
}

async function stop(
  options: SlotsOptions,
  records: SlotRecords,
  site: string,
  slot: SlotName,
  graceMs: number,
): Promise<void> {
  await clear(options, records, site, slot, graceMs);
  await records.forget(site, slot);
}

/** Work on one slot goes one after another: two orders at once would start it twice. */
function turns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => undefined);
    last.set(key, settled);
    return mine;
  };
}
