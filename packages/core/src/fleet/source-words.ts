import * as z from "zod";
import { parseLocalTime, parseMonthDay } from "../gates/freeze.ts";
import { isZone } from "../gates/local-time.ts";
import { parseDays } from "../gates/time-window.ts";
import { parseDuration } from "../units/time.ts";

/*
 * The smallest pieces of the fleet file's shape. Every `error` text is the part after "wanted" in a problem's sentence.
 */

/** A piece of text that has to match; the same words whether the type or the form is wrong. */
const text = (wanted: string, pattern: RegExp) => z.string({ error: wanted }).regex(pattern, { error: wanted });

const whole = (wanted: string, min: number, max: number) =>
  z.int({ error: wanted }).min(min, { error: wanted }).max(max, { error: wanted });

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const namePattern = new RegExp(`^${label}$`);

/** A name that every object of the language carries already, so that a lookup by name could find it where nothing is. */
const reservedName = /^(?!constructor$)/;

const named = (wanted: string, pattern: RegExp) =>
  text(wanted, pattern).regex(reservedName, { error: "another name, because 'constructor' is reserved" });

const nameWanted = "a name of lower-case letters, digits and inner hyphens, at most 63 characters";
export const name = named(nameWanted, namePattern);

export const hostName = named(
  "a host's name: lower-case letters, digits and inner hyphens, in parts joined by dots, at most 253 characters",
  new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`),
);

const anyCaseLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
export const bindingName = text(
  "one host name such as www.shop.example: no wildcard, no trailing dot, no port, no scheme; international names as xn--…",
  new RegExp(`^(?=.{1,253}$)${anyCaseLabel}(?:\\.${anyCaseLabel})*$`),
);

export const port = whole("a port number from 1 to 65535", 1, 65_535);

/** A port as the key of a map. */
export const portKey = text(
  "a port number from 1 to 65535",
  /^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/,
);

export const durationWanted = "a duration with its unit, such as 30s, 5m or 1h30m";
/** Timers can't wait longer than 2^31 ms and would go off at once. */
const durationMsMax = 24 * 86_400_000;

export const duration = text(durationWanted, /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/)
  .refine((written) => (parseDuration(written) ?? 0) <= durationMsMax, { error: "a duration of at most 24d" })
  .meta({ examples: ["30s", "5m", "1h30m"] });

export const percentWanted = "a percentage from 1% to 100%";
export const percent = text(percentWanted, /^(?:100|[1-9]\d?)%$/);

const waveWanted = "a number of hosts such as 1, or a share such as 50%";
export const wave = z.union([whole(waveWanted, 1, 100_000), text(waveWanted, /^(?:100|[1-9]\d?)%$/)], {
  error: waveWanted,
});

const canaryWanted = "least-traffic, or a list of hosts of the environment";
export const canary = z.union([z.literal("least-traffic"), z.array(hostName).min(1)], { error: canaryWanted });

export const rateWanted = "a percentage above 0% and below 50%, such as 1% or 0.5%";
export const rate = text(rateWanted, /^(?!0+(?:\.0+)?%)(?:\d|[1-4]\d)(?:\.\d+)?%$/);

/** A share that may be none at all. */
export const margin = text("a percentage from 0% to below 50%, such as 0.1%", /^(?:\d|[1-4]\d)(?:\.\d+)?%$/);

const ratioWanted = "a number of at least 1, such as 1.25";
export const ratio = z.number({ error: ratioWanted }).min(1, { error: ratioWanted }).max(1000, { error: ratioWanted });

export const role = text(
  "the name of a role: lower-case letters and hyphens, such as approver",
  /^[a-z]+(?:-[a-z]+)*$/,
);

const daysWanted = "days of the week such as mon-thu or mon,wed,fri";
export const days = text(daysWanted, /^[a-z, -]+$/).refine((written) => parseDays(written) !== undefined, {
  error: daysWanted,
});

const hoursWanted = 'hours such as "09:00-15:00" or, over midnight, "22:00-04:00"';
export const hours = text(hoursWanted, /^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/).refine(
  (written) => written.slice(0, 5) !== written.slice(6),
  { error: "hours that take some time; a whole day is 00:00-24:00" },
);

const zoneWanted = "the name of a time zone such as Europe/Oslo or UTC";
export const zone = text(zoneWanted, /^[A-Za-z][A-Za-z0-9_+/-]*$/).refine(isZone, { error: zoneWanted });

const monthDayWanted = "a month and a day such as 12-24";
export const monthDay = text(monthDayWanted, /^\d{2}-\d{2}$/).refine(
  (written) => parseMonthDay(written) !== undefined,
  { error: monthDayWanted },
);

const localTimeWanted = 'a date such as 2026-12-24, or a date and a time such as "2026-12-24 16:00"';
export const localTime = text(localTimeWanted, /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2})?$/).refine(
  (written) => parseLocalTime(written, "UTC", "start") !== undefined,
  { error: localTimeWanted },
);

export const sentence = text("a sentence that is not empty", /\S/);

const yesWanted = "true or false";
export const yes = z.boolean({ error: yesWanted });

export const urlPath = text("a path that starts with / and has no white space and no #", /^\/[^\s#]*$/);

export const edgeUrl = text(
  "a URL such as https://www.shop.example: http or https, a host, no user, no query",
  /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[^\s?#]*)?$/,
);

export const notificationUrl = text(
  "a URL such as https://ntfy.example/on-call: http or https, a host, no user, no #",
  /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?][^\s#]*)?$/,
);

export const secretFile = text(
  "the name of a file in the coordinator's folder of secrets, such as slack-url: letters, digits, dots, _ and -, no path",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
);

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^(?:${octet}\\.){3}${octet}$`);
const addressWanted = "an IP address such as 10.0.0.5 (a name could lead to another host)";
export const address = z.union([text(addressWanted, ipv4), z.ipv6({ error: addressWanted })], { error: addressWanted });

export const slotAddress = text(
  "host:port, such as 127.0.0.1:8081",
  /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/,
);

export const filePath = text("the absolute path of a file on the host, such as /etc/sluice/shop.crt", /^\/[^\0\n\r]+$/);

const argumentPattern = /^[^\0]*$/;
const argument = (wanted: string) => text(wanted, argumentPattern);
const commandWanted = "a list of texts such as [node, server.js]";
export const command = z
  .array(argument("text").min(1, { error: "text that is not empty" }), { error: commandWanted })
  .min(1, { error: commandWanted });

export const environmentVariables = z.record(
  text("the name of an environment variable: letters, digits and _", /^[A-Za-z_][A-Za-z0-9_]*$/),
  argument("text"),
);

export const headers = z.record(
  text("the name of a header", /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/),
  text("text without line breaks", /^[\t\x20-\x7e\x80-\xff]*$/),
);

const statusWanted = "a status such as 200, or a list such as [200, 204]";
const status = whole("a status from 100 to 599", 100, 599);
export const expectedStatus = z.union([status, z.array(status).min(1, { error: statusWanted })], {
  error: statusWanted,
});

export const people = whole("a whole number of people from 1 to 20", 1, 20);
export const count = whole("a whole number of hosts, at least 1", 1, 100_000);
