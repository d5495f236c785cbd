import type { SlotName, SlotTable, SlotTarget } from "@sluice/core/proxying/proxy-settings";

/**
 * The map that says where requests go. `live` alone decides, in one value, so that one order switches slot, address and
 * release at once, and says whether the host is being drained; `blue` and `green` are there to be read back.
 */
export type SlotMap = Readonly<Record<"live" | SlotName, string>>;

/** Stands for a slot without an address, and for a live slot that there is not. */
const none = "none";
const hold = "hold";
/** Fifth part of `live` while the host is being drained. */
export const drainMark = "drain";
/** Not part of an address, a release digest or a name. */
const separator = "|";

export function slotMapOf(table: SlotTable): SlotMap {
  const target = table.live === "hold" ? undefined : table[table.live];
  return {
    live: target === undefined || table.live === "hold" ? hold : liveEntry(table.live, target, table),
    blue: table.blue === undefined ? none : entry("blue", table.blue),
    green: table.green === undefined ? none : entry("green", table.green),
  };
}

/** The lines of the map's file, as it is read when a worker starts. */
export function formatSlotMap(map: SlotMap): string {
  return `live ${map.live}\nblue ${map.blue}\ngreen ${map.green}\n`;
}

/** The table that a process answers with; lines are `<address> <key> <value>` as `show map` prints them. */
export function parseShownMap(text: string): SlotTable | undefined {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (\S+)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, value);
  }
  const live = values.get("live");
  if (live === undefined) return undefined;
  const [slot, , , , mark] = live.split(separator);
  const blue = targetOf(slot === "blue" ? live : values.get("blue"));
  const green = targetOf(slot === "green" ? live : values.get("green"));
  return {
    live: slot === "blue" || slot === "green" ? slot : "hold",
    ...(blue === undefined ? {} : { blue }),
    ...(green === undefined ? {} : { green }),
    ...(mark === drainMark ? { draining: true } : {}),
  };
}

function liveEntry(slot: SlotName, target: SlotTarget, { draining }: SlotTable): string {
  const plain = entry(slot, target);
  return draining === true ? `${plain}${separator}${drainMark}` : plain;
}

function entry(slot: SlotName, { host, port, release }: SlotTarget): string {
  return [slot, host, port, release].join(separator);
}

function targetOf(value: string | undefined): SlotTarget | undefined {
  const [, host, port, release] = value?.split(separator) ?? [];
  if (host === undefined || port === undefined || release === undefined) return undefined;
  return { host, port: Number(port), release };
}
