import { type Channel, type Message, messageLines, messageTitle } from "@sluice/core";

/** What goes over the wire: one JSON document to one URL. */
export interface Post {
  readonly url: URL;
  readonly body: unknown;
}

/** ntfy makes a file of what is longer than 4,096 bytes, which nobody opens at night. */
const ntfyBytesMax = 3900;
/** Slack cuts longer texts. */
const slackCharactersMax = 3900;

/** A message as its channel's receiver wants it. Alertmanagers are told of alerts, not by messages. */
export function encodeMessage(
  kind: Exclude<Channel["kind"], "alertmanager">,
  url: URL,
  id: string,
  message: Message,
): Post {
  switch (kind) {
    case "webhook":
      return { url, body: webhookBody(id, message) };
    case "slack":
      return { url, body: { text: slackText(message) } };
    case "ntfy":
      return ntfyPost(url, message);
  }
}

/** Documented in docs/notifications.md; members are added, never changed. */
function webhookBody(id: string, message: Message): unknown {
  const { reason, name, severity, fleet, at, openedAt, alerts, more } = message;
  return {
    version: 1,
    id,
    ...{ reason, name, severity, fleet },
    at: new Date(at).toISOString(),
    openedAt: new Date(openedAt).toISOString(),
    title: messageTitle(message),
    lines: messageLines(message),
    alerts: alerts.map(({ since, isOver, ackedBy, ...alert }) => ({
      ...alert,
      since: new Date(since).toISOString(),
      status: isOver ? "over" : "firing",
      ...(ackedBy === undefined ? {} : { acknowledgedBy: ackedBy }),
    })),
    more,
  };
}

/** https://docs.slack.dev/messaging/formatting-message-text: these three are all that has to be escaped; `<!channel>` stays words. */
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function slackText(message: Message): string {
  const text = [`*${escaped(messageTitle(message))}*`, ...messageLines(message).map(escaped)].join("\n");
  return text.length <= slackCharactersMax ? text : `${text.slice(0, slackCharactersMax)}…`;
}

/** https://docs.ntfy.sh/publish/#publish-as-json: to the server's root, with the topic in the document. */
function ntfyPost(url: URL, message: Message): Post {
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const topic = decodeURIComponent(parts.at(-1) ?? "");
  const root = new URL(url);
  root.pathname = `/${parts.slice(0, -1).join("/")}`;
  const isOver = message.reason === "resolved" || message.reason === "acknowledged";
  const isPage = message.severity === "page";
  return {
    url: root,
    body: {
      topic,
      title: messageTitle(message),
      message: shortened(messageLines(message).join("\n"), ntfyBytesMax),
      // 5 rings through do-not-disturb where the phone is set so, 3 is ordinary, 2 makes no sound.
      priority: isOver ? 2 : isPage ? 5 : 3,
      tags: [isOver ? "white_check_mark" : isPage ? "rotating_light" : "information_source"],
    },
  };
}

function shortened(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, "utf8");
  // A character that is cut in two becomes one that says so.
  return bytes.length <= bytesMax ? text : `${bytes.toString("utf8", 0, bytesMax)}…`;
}
