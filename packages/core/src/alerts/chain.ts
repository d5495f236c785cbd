import type { AlertRecord } from "./alert-record.ts";
import { isInChain, type NotificationSettings } from "./notification-settings.ts";

/**
 * How many levels of the chain are told of a page that nobody acknowledged for so long. Where every channel told so far
 * takes no messages, the next level's time has come at once: a phone that can't ring must not cost ten minutes.
 */
export function levelsReached(
  { chain }: Pick<NotificationSettings, "chain">,
  elapsedMs: number,
  failing: ReadonlySet<string>,
): number {
  let reached = chain.filter(({ afterMs }) => afterMs <= elapsedMs).length;
  const isDeaf = (): boolean => chain.slice(0, reached).every(({ to }) => to.every((channel) => failing.has(channel)));
  while (reached < chain.length && isDeaf()) reached += 1;
  return reached;
}

/** Channels of these levels, each once. Of a channel that fails all the others are told, and it is not asked to tell of itself. */
export function recipientsOf(
  settings: NotificationSettings,
  levels: "notices" | { readonly from: number; readonly to: number },
  about: readonly AlertRecord[],
): readonly string[] {
  const { chain, notices, channels } = settings;
  const meant = levels === "notices" ? notices : chain.slice(levels.from, levels.to).flatMap(({ to }) => to);
  const ill = new Set(about.flatMap(({ alert }) => alert.labels.channel ?? []));
  const able = [...new Set(meant)].filter((channel) => !ill.has(channel));
  if (able.length > 0 || meant.length === 0) return able;
  return channels.filter((channel) => isInChain(channel) && !ill.has(channel.name)).map(({ name }) => name);
}
