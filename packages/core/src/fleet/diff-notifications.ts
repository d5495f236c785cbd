import type { Channel, NotificationSettings } from "../alerts/notification-settings.ts";
import { sameJson } from "../units/same-json.ts";
import { formatDuration } from "../units/time.ts";
import type { Fleet } from "./fleet.ts";
import { changedSettings, type FleetChange, pair, type SettingWords } from "./fleet-change.ts";

/** Changes of who is told of alerts. Addresses may be secrets, so that they are never shown. */
export function diffNotifications(before: Fleet, after: Fleet): readonly FleetChange[] {
  const [was, is] = [before.notifications, after.notifications];
  const change = (setting: string, words: string): FleetChange => ({
    kind: "changed",
    of: "fleet",
    name: after.name,
    setting: `notifications.${setting}`,
    sentence: `notifications: ${words}`,
  });
  const channels = pair(was?.channels ?? [], is?.channels ?? [], ({ name }) => name);
  const about = ({ name }: Channel, words: string): FleetChange =>
    change(`channels.${name}`, `channel ${name}: ${words}`);
  return [
    ...channels.removed.map((channel) => about(channel, "removed")),
    ...channels.added.map((channel) => about(channel, `added (${channel.kind})`)),
    ...channels.kept
      .filter((one) => !sameJson(one.before, one.after))
      .map((one) => about(one.after, changeWords(one.before, one.after))),
    ...changedSettings(wordsOf(was), wordsOf(is)).map(({ setting, words }) => change(setting, words)),
    ...(sameJson(was?.deadMan, is?.deadMan) ? [] : [change("deadMan", deadManWords(was, is))]),
  ];
}

const changeWords = (before: Channel, after: Channel): string =>
  [
    ...(before.kind === after.kind ? [] : [`${before.kind} → ${after.kind}`]),
    ...(sameJson(before.address, after.address) ? [] : ["another address"]),
    ...(before.tokenFile === after.tokenFile
      ? []
      : [`tokenFile ${before.tokenFile ?? "none"} → ${after.tokenFile ?? "none"}`]),
  ].join(", ");

function deadManWords(was: NotificationSettings | undefined, is: NotificationSettings | undefined): string {
  if (is?.deadMan === undefined) return "deadMan removed";
  return was?.deadMan === undefined ? "deadMan added" : "deadMan has another address";
}

function wordsOf(settings: NotificationSettings | undefined): SettingWords {
  const chain = settings?.chain.map(
    ({ to, afterMs }) => `${to.join(", ")}${afterMs === 0 ? "" : ` after ${formatDuration(afterMs)}`}`,
  );
  return [
    ["chain", (chain ?? []).join("; then ") || "nobody"],
    ["notices", (settings?.notices ?? []).join(", ") || "nobody"],
    ["repeat", settings === undefined ? "never" : formatDuration(settings.repeatMs)],
  ];
}
