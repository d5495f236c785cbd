import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { SlotTable, SlotTarget } from "@sluice/core/proxying/proxy-settings";

/** Slots by address: HAProxy takes no names where a slot may change at any moment. */
export async function resolveSlots(table: SlotTable): Promise<SlotTable> {
  const [blue, green] = await Promise.all([resolveTarget(table.blue), resolveTarget(table.green)]);
  return {
    live: table.live,
    ...(blue === undefined ? {} : { blue }),
    ...(green === undefined ? {} : { green }),
    ...(table.draining === undefined ? {} : { draining: table.draining }),
  };
}

async function resolveTarget(target: SlotTarget | undefined): Promise<SlotTarget | undefined> {
  if (target === undefined || isIP(target.host) !== 0) return target;
  const { address } = await lookup(target.host);
  return { ...target, host: address };
}
