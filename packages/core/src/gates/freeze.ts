import type { Instant } from "../units/time.ts";
import { dateAt, localInstant, localWords } from "./local-time.ts";
import { openingAt, type TimeWindow, windowWords } from "./time-window.ts";

/** A time in which no wave starts. It stops no wave that runs, and never a halt or a revert. */
export interface Freeze {
  readonly name: string;
  readonly when: FreezeTime;
  readonly reason: string;
  /** Who answers questions about it. */
  readonly owner: string;
  /** Empty: all. */
  readonly environments: readonly string[];
  /** Empty: all. */
  readonly sites: readonly string[];
}

export type FreezeTime =
  /** `zone` is the one it was written in, for showing it. */
  | { readonly kind: "once"; readonly from: Instant; readonly to: Instant; readonly zone: string }
  /** Dates of every year, both included; `to` before `from` goes over the new year. */
  | { readonly kind: "yearly"; readonly from: MonthDay; readonly to: MonthDay; readonly zone: string }
  | { readonly kind: "weekly"; readonly window: TimeWindow };

export interface MonthDay {
  readonly month: number;
  readonly day: number;
}

/** When a freeze that is in force ends; undefined when it is not in force. A weekly one may never end. */
export function frozenUntil({ when }: Freeze, now: Instant): { readonly to?: Instant } | undefined {
  switch (when.kind) {
    case "once":
      return when.from <= now && now < when.to ? { to: when.to } : undefined;
    case "yearly":
      return yearlyUntil(when, now);
    case "weekly": {
      const opening = openingAt([when.window], now);
      return opening === undefined ? undefined : opening.to === undefined ? {} : { to: opening.to };
    }
  }
}

/** What everybody is told who has to wait for it. */
export const frozenWords = (environment: string, { name, owner, reason }: Freeze): string =>
  `${environment} is frozen by '${name}' (${owner}): ${reason}`;

/** True unless it is limited to other environments or sites. */
export function concerns({ environments, sites }: Freeze, environment: string, of: readonly string[]): boolean {
  const here = environments.length === 0 || environments.includes(environment);
  return here && (sites.length === 0 || sites.some((site) => of.includes(site)));
}

function yearlyUntil(
  { from, to, zone }: Extract<FreezeTime, { kind: "yearly" }>,
  now: Instant,
): { readonly to: Instant } | undefined {
  const { year } = dateAt(now, zone);
  const overNewYear = to.month < from.month || (to.month === from.month && to.day < from.day);
  for (const begins of [year - 1, year]) {
    const first = localInstant(dateOf(begins, from), 0, zone);
    const end = localInstant(dateOf(overNewYear ? begins + 1 : begins, to), 1440, zone);
    if (first <= now && now < end) return { to: end };
  }
  return undefined;
}

/** 29 February is the 28th in years that have none. */
const dateOf = (year: number, { month, day }: MonthDay): Temporal.PlainDate =>
  Temporal.PlainDate.from({ year, month, day }, { overflow: "constrain" });

/** Reads `"12-24"`. Undefined when there is no such day in any year. */
export function parseMonthDay(text: string): MonthDay | undefined {
  const found = /^(\d{2})-(\d{2})$/.exec(text);
  if (found === null) return undefined;
  const [month, day] = [Number(found[1]), Number(found[2])];
  return temporal(() => Temporal.PlainDate.from({ year: 2024, month, day }, { overflow: "reject" })) === undefined
    ? undefined
    : { month, day };
}

/**
 * Reads `"2026-12-24"` or `"2026-12-24 16:00"` by the clocks of the zone. A date alone is its first moment, or with `edge`
 * `end` its last. Undefined when there is no such time.
 */
export function parseLocalTime(text: string, zone: string, edge: "start" | "end"): Instant | undefined {
  const found = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2}))?$/.exec(text);
  const date = temporal(() => Temporal.PlainDate.from(found?.[1] ?? ""));
  if (found === null || date === undefined) return undefined;
  const [hour, minute] = [Number(found[2] ?? 0), Number(found[3] ?? 0)];
  if (hour > 23 || minute > 59) return undefined;
  return localInstant(date, found[2] === undefined && edge === "end" ? 1440 : hour * 60 + minute, zone);
}

function temporal<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `24 December to 3 January every year, Europe/Oslo` and the like. */
export function freezeWords(when: FreezeTime): string {
  switch (when.kind) {
    case "once":
      return `${localWords(when.from, when.zone)} to ${localWords(when.to, when.zone)}`;
    case "yearly":
      return `${monthDay(when.from)} to ${monthDay(when.to)} every year ${when.zone}`;
    case "weekly":
      return `every week ${windowWords(when.window)}`;
  }
}

const monthDay = ({ month, day }: MonthDay): string => `${`${month}`.padStart(2, "0")}-${`${day}`.padStart(2, "0")}`;

/** Which sites and environments: `shop and blog in production`, `everything`. */
export function freezeExtent({ environments, sites }: Pick<Freeze, "environments" | "sites">): string {
  const what = sites.length === 0 ? "" : sites.join(" and ");
  const where = environments.length === 0 ? "" : `in ${environments.join(" and ")}`;
  return [what, where].filter((part) => part !== "").join(" ") || "everything";
}
