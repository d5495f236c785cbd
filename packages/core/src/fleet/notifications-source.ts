import * as z from "zod";
import { channelKinds } from "../alerts/notification-settings.ts";
import * as words from "./source-words.ts";

const url = words.notificationUrl
  .optional()
  .describe("Where messages are sent. A URL that is a secret belongs into `urlFile`.");
const urlFile = words.secretFile
  .optional()
  .describe("Name of a file in the coordinator's folder of secrets that holds the URL.");

const channelSource = z
  .strictObject({
    kind: z
      .enum(channelKinds)
      .describe("What is spoken there. An Alertmanager is told of everything; the others are told by the chain."),
    url,
    urlFile,
    tokenFile: words.secretFile
      .optional()
      .describe("Name of a file in the coordinator's folder of secrets, sent as a bearer token."),
  })
  .describe("One way to tell somebody.");

const channelNames = z.array(words.name).min(1, { error: "at least one channel" });

/** Who is told of alerts, and when. */
export const notificationsSource = z
  .strictObject({
    channels: z.record(words.name, channelSource).describe("Ways to tell somebody, by name."),
    chain: z
      .array(
        z.strictObject({
          to: channelNames.describe("Channels that are told."),
          after: words.duration
            .optional()
            .describe("How long a page may stay unacknowledged before they are told; at once when absent."),
        }),
      )
      .min(1, { error: "at least one level" })
      .optional()
      .describe("Who is told of a page, level by level, until somebody acknowledges it."),
    notices: channelNames.optional().describe("Channels that are told of what can wait until the morning."),
    repeat: words.duration.optional().describe("How often a page that nobody acknowledged is told again."),
    deadMan: z
      .strictObject({ url, urlFile })
      .optional()
      .describe("Asked once a minute for as long as the coordinator can decide and tell; its silence is the alarm."),
  })
  .describe("Who is told of alerts, and when.");

export type NotificationsSource = z.infer<typeof notificationsSource>;
