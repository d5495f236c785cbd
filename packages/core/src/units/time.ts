import type { Brand } from "./brand.ts";

/** Milliseconds since 1970-01-01T00:00:00Z, by the clock of whoever made the statement. */
export type Instant = Brand<number, "Instant">;
/** A length of time in milliseconds. */
export type DurationMs = Brand<number, "DurationMs">;

export const instant = (epochMs: number): Instant => epochMs as Instant;
export const durationMs = (ms: number): DurationMs => ms as DurationMs;
export const seconds = (count: number): DurationMs => durationMs(count * 1000);
export const minutes = (count: number): DurationMs => durationMs(count * 60_000);

/** The instant `by` after `at`. */
export const after = (at: Instant, by: DurationMs): Instant => instant(at + by);
/** Time from `from` until `to`; negative when `to` lies before `from`. */
export const between = (from: Instant, to: Instant): DurationMs => durationMs(to - from);

const scales = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads `"30s"`, `"5m"`, `"1h30m"`, `"250ms"`. A number without a unit is refused on purpose:
 * nobody at 3 a.m. should have to know whether 30 meant seconds.
 */
export function parseDuration(text: string): DurationMs | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(count) * scales[unit as keyof typeof scales];
  }
  return durationMs(total);
}

/** Two significant parts at most: `3m 20s`, `1h 5m`, `850ms`. */
export function formatDuration(ms: DurationMs): string {
  if (ms < 0) return `-${formatDuration(durationMs(-ms))}`;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const whole = Math.round(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor((whole % 86_400) / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "m"],
    [whole % 60, "s"],
  ];
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.length === 0 ? "0s" : shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}
