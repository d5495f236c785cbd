import { durationMs, formatDuration } from "@sluice/core/units/time";
import type { Alert, Channel, ListAlertsResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { renderTable } from "./render-table.ts";

const nobody = "nobody is told of alerts: the fleet file has no notifications (docs/notifications.md)";

/** What is wrong with who was told, a sentence for each, and the channels. */
export function renderAlerts({ alerts, channels, nowMs }: ListAlertsResponse): string {
  const rows = alerts.map((alert) => [
    alert.id,
    alert.severity,
    alert.name,
    ageWords(nowMs, alert.sinceMs),
    [alert.site, alert.host, alert.rolloutId].filter((part) => part !== undefined).join(" "),
    stateOf(alert),
  ]);
  const found =
    alerts.length === 0 ? ["no alert"] : [renderTable(["ID", "SEVERITY", "ALERT", "FOR", "ABOUT", "STATE"], rows)];
  const sentences = alerts.map(({ id, sentence }) => `${id}: ${sentence}`);
  return [...found, ...(sentences.length === 0 ? [] : [sentences.join("\n")]), channelTable(channels, nowMs)].join(
    "\n\n",
  );
}

const ageWords = (nowMs: number, sinceMs: number): string => formatDuration(durationMs(Math.max(0, nowMs - sinceMs)));

function stateOf({ acknowledged, quiet, told }: Alert): string {
  if (acknowledged !== undefined) return `acknowledged by ${acknowledged.by}: ${acknowledged.reason}`;
  if (quiet !== undefined) return quiet;
  const [done, open] = [told.filter(({ atMs }) => atMs !== undefined), told.filter(({ atMs }) => atMs === undefined)];
  const names = (of: Alert["told"]): string => of.map(({ channel }) => channel).join(", ");
  const words = [
    ...(done.length === 0 ? [] : [`${names(done)} told`]),
    ...(open.length === 0 ? [] : [`${names(open)} not reached yet`]),
  ];
  return words.length === 0 ? "nobody told" : `${words.join("; ")}; never acknowledged`;
}

function channelTable(channels: readonly Channel[], nowMs: number): string {
  if (channels.length === 0) return nobody;
  const rows = channels.map(({ name, kind, workedAtMs, failing, waiting }) => [
    name,
    kind,
    workedAtMs === undefined ? "never" : `${ageWords(nowMs, workedAtMs)} ago`,
    `${waiting}`,
    failing === undefined
      ? "works"
      : `fails for ${ageWords(nowMs, failing.sinceMs)}, ${failing.failures} times: ${failing.sentence}`,
  ]);
  return renderTable(["CHANNEL", "KIND", "TOOK A MESSAGE", "WAITING", "STATE"], rows);
}

/** Whether a test page reached somebody by one channel. */
export interface Reach {
  readonly channel: string;
  /** `later`: it is told when nobody acknowledges. */
  readonly outcome: "told" | "failing" | "waiting" | "later";
  readonly sentence: string;
}

/** Every channel that could tell somebody; the dead man is no one to be told. */
export function reachOf({ told, sinceMs }: Alert, channels: readonly Channel[]): readonly Reach[] {
  return channels
    .filter(({ kind }) => kind !== "dead-man")
    .map(({ name: channel, kind, failing, workedAtMs = 0 }): Reach => {
      const meant = told.find((one) => one.channel === channel);
      const isTold =
        kind === "alertmanager" ? failing === undefined && workedAtMs >= sinceMs : meant?.atMs !== undefined;
      if (isTold) return { channel, outcome: "told", sentence: "took it" };
      if (failing !== undefined && (meant !== undefined || kind === "alertmanager"))
        return { channel, outcome: "failing", sentence: `not reached: ${failing.sentence}` };
      if (meant !== undefined || kind === "alertmanager")
        return { channel, outcome: "waiting", sentence: "has not taken it yet" };
      return { channel, outcome: "later", sentence: "is told when nobody acknowledges in time, if the chain says so" };
    });
}

export function renderReach({ id }: Pick<Alert, "id">, reach: readonly Reach[]): string {
  if (reach.length === 0) return nobody;
  const rows = reach.map(({ channel, sentence }) => [channel, sentence]);
  const acknowledge = `somebody who was reached has to acknowledge it: sluice ack ${id} --reason …`;
  return [renderTable(["CHANNEL", "TEST PAGE"], rows), acknowledge].join("\n\n");
}
