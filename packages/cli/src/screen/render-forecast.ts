import { durationMs, formatDuration } from "@sluice/core";
import type { GetStatusResponse, HostStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { BootChange } from "@sluice/protocol/generated/sluice/types/v1/host";
import { type ExitName, worstExit } from "../exit-codes.ts";
import type { Colors } from "../world.ts";

/** What one host said of its own reboot. */
export interface HostForecast {
  readonly host: string;
  readonly environment: string;
  /** `told`: its word is of now. `silent`: it is not connected, and a last word is no forecast. `untold`: its agent has not said. */
  readonly kind: "told" | "silent" | "untold";
  readonly lastSeenMs?: number;
  readonly changes: readonly BootChange[];
}

export function forecastsOf({ hosts }: GetStatusResponse): readonly HostForecast[] {
  return hosts.map(forecastOf);
}

function forecastOf({ host, environment, connected, lastSeenMs, observation }: HostStatus): HostForecast {
  const seen = lastSeenMs === undefined ? {} : { lastSeenMs };
  if (!connected) return { host, environment, kind: "silent", ...seen, changes: [] };
  const told = observation?.atBoot;
  return { host, environment, kind: told === undefined ? "untold" : "told", ...seen, changes: told?.changes ?? [] };
}

/** Nothing on every host is the only good end; a host of which nobody knows is not one that would not change. */
export function forecastExit(forecasts: readonly HostForecast[]): ExitName {
  return worstExit(
    forecasts.map(({ kind, changes }) => {
      if (kind !== "told") return "unreachable";
      return changes.length > 0 ? "changesPending" : "done";
    }),
  );
}

/** One line for every host, below it what would change there. */
export function renderForecast(
  forecasts: readonly HostForecast[],
  options: { readonly nowMs: number; readonly colors: Colors },
): string {
  return forecasts.map((forecast) => hostLines(forecast, options).join("\n")).join("\n");
}

function hostLines(
  forecast: HostForecast,
  { nowMs, colors }: { readonly nowMs: number; readonly colors: Colors },
): readonly string[] {
  const { host, environment, kind, lastSeenMs, changes } = forecast;
  const name = `${host} (${environment})`;
  if (kind === "silent") {
    const seen = lastSeenMs === undefined ? "never seen" : `last seen ${ago(lastSeenMs, nowMs)} ago`;
    return [colors.red(`${name}: unknown, the host is silent: ${seen}`)];
  }
  if (kind === "untold") return [colors.red(`${name}: unknown, its agent has not told what a reboot would change`)];
  if (changes.length === 0) return [colors.green(`${name}: nothing would change`)];
  const ours = changes.filter((one) => one.kind === "changes").length;
  const what = ours === 0 ? "nothing of ours would change, but" : "a reboot would change";
  return [
    colors.yellow(`${name}: ${what}`),
    ...changes.map((one) => `  ${one.sentence}${one.kind === "not-ours" ? " (not under Sluice's control)" : ""}`),
  ];
}

const ago = (thenMs: number, nowMs: number): string => formatDuration(durationMs(Math.max(0, nowMs - thenMs)));
