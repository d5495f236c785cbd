import type { NewEvent } from "../timeline/event.ts";
import { between, formatDuration, type Instant } from "../units/time.ts";
import { alertKinds } from "./alert.ts";
import { type Acknowledgement, type AlertRecord, alertId } from "./alert-record.ts";
import type { Message, MessageReason } from "./message.ts";

const kinds: Readonly<Record<MessageReason, string>> = {
  raised: "alert.raised",
  grown: "alert.raised",
  escalated: "alert.escalated",
  repeated: "alert.repeated",
  acknowledged: "alert.acknowledged",
  resolved: "alert.over",
};

/** Who is told of what; kept together with the messages themselves. */
export function toldEvent(message: Message, channels: readonly string[]): NewEvent {
  const { reason, name, at, openedAt, alerts, more } = message;
  const count = alerts.length + more;
  const first = alerts[0]?.sentence ?? "";
  const what = `${alertKinds[name].title}: ${first}${count > 1 ? ` (and ${count - 1} more)` : ""}`;
  const age = formatDuration(between(openedAt, at));
  const words: Readonly<Record<MessageReason, string>> = {
    raised: `${channels.join(", ")} told: ${what}`,
    grown: `${channels.join(", ")} told that there is more: ${what}`,
    escalated: `nobody acknowledged for ${age}, ${channels.join(", ")} told: ${what}`,
    repeated: `nobody acknowledged for ${age}, ${channels.join(", ")} told again: ${what}`,
    acknowledged: `acknowledged: ${what}`,
    resolved: `over: ${what}`,
  };
  return { at, kind: kinds[reason], by: "coordinator", sentence: words[reason], ...aboutOf(message, channels) };
}

function aboutOf(
  { name, alerts }: Message,
  channels: readonly string[],
): Pick<NewEvent, "rollout" | "host" | "details"> {
  const [only, ...others] = alerts;
  const { rollout, host } = others.length === 0 ? (only?.labels ?? {}) : {};
  const sites = new Set(alerts.flatMap(({ labels }) => labels.site?.split(",") ?? []));
  const ofSites = alerts.every(({ labels }) => labels.site !== undefined) ? { sites: [...sites] } : {};
  return {
    ...(rollout === undefined ? {} : { rollout }),
    ...(host === undefined ? {} : { host }),
    details: { name, channels, alerts: alerts.map(({ id }) => id), ...ofSites },
  };
}

/** Somebody looks after these. */
export function acknowledgedEvent(records: readonly AlertRecord[], { by, reason, at }: Acknowledgement): NewEvent {
  const what = records.map((record) => `${alertId(record)} (${alertKinds[record.alert.name].title})`).join(", ");
  const [only, ...others] = records;
  const { rollout, host } = others.length === 0 ? (only?.alert.labels ?? {}) : {};
  return {
    at,
    kind: "alert.acknowledged",
    by,
    sentence: `${by} acknowledged ${what}: ${reason}`,
    ...(rollout === undefined ? {} : { rollout }),
    ...(host === undefined ? {} : { host }),
    details: { alerts: records.map((record) => ({ id: alertId(record), name: record.alert.name })) },
  };
}

export function testPageEvent(by: string, reason: string | undefined, at: Instant): NewEvent {
  const why = reason === undefined ? "" : `: ${reason}`;
  return { at, kind: "alert.test-asked", by, sentence: `${by} asked for a test page${why}`, details: { reason } };
}

/** A channel begins to fail, or takes messages again. */
export function channelEvent(channel: string, failure: string | undefined, at: Instant): NewEvent {
  const sentence =
    failure === undefined
      ? `channel ${channel} takes messages again`
      : `nobody is told by channel ${channel}: ${failure}`;
  const kind = failure === undefined ? "channel.works-again" : "channel.failing";
  return { at, kind, by: "coordinator", sentence, details: { channel } };
}
