import {
  type Address,
  type Channel,
  isInChain,
  type NotificationSettings,
  repeatDefaultMs,
} from "../alerts/notification-settings.ts";
import { durationMs, parseDuration } from "../units/time.ts";
import type { NotificationsSource } from "./notifications-source.ts";

/** Without a chain every channel is told at once; without `notices` those of the first level are told of notices. */
export function completeNotifications(source: NotificationsSource): NotificationSettings {
  const channels = Object.entries(source.channels).map(
    ([name, { kind, tokenFile, ...address }]): Channel => ({
      name,
      kind,
      address: addressOf(address),
      ...(tokenFile === undefined ? {} : { tokenFile }),
    }),
  );
  const all = channels.filter(isInChain).map(({ name }) => name);
  const levels = source.chain ?? (all.length === 0 ? [] : [{ to: all }]);
  const chain = levels.map(
    ({ to, after }: { readonly to: readonly string[]; readonly after?: string | undefined }) => ({
      to: [...new Set(to)],
      afterMs: after === undefined ? durationMs(0) : ms(after),
    }),
  );
  return {
    channels,
    chain,
    notices: source.notices ?? chain[0]?.to ?? [],
    repeatMs: source.repeat === undefined ? repeatDefaultMs : ms(source.repeat),
    ...(source.deadMan === undefined ? {} : { deadMan: addressOf(source.deadMan) }),
  };
}

/** Relations have been checked: it is one of the two. */
const addressOf = ({
  url,
  urlFile,
}: {
  readonly url?: string | undefined;
  readonly urlFile?: string | undefined;
}): Address => (url === undefined ? { urlFile: urlFile ?? "" } : { url });

const ms = (text: string) => parseDuration(text) ?? durationMs(0);
