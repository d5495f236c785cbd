import type { HealthSettings, StratumSelector, Tolerance } from "../health/health-settings.ts";
import { formatDuration } from "../units/time.ts";
import type { SettingWords } from "./fleet-change.ts";

/** The settings by their keys in the fleet file, in words. What follows from other keys is left out. */
export const healthWords = (health: HealthSettings): SettingWords => [
  ["health.falseHalt", percentWords(health.falseHalt)],
  ["health.falsePass", percentWords(health.falsePass)],
  ["health.ruleOut", health.ruleOut === undefined ? "what traffic allows" : percentWords(health.ruleOut)],
  ["health.tolerance", toleranceWords(health.tolerance.errors)],
  ["health.slowTolerance", toleranceWords(health.tolerance.slowness)],
  ["health.warmUp", formatDuration(health.warmUpMs)],
  ["health.minBake", formatDuration(health.minBakeMs)],
  ["health.require", strataWords(health.required)],
  ["health.ignore", strataWords(health.ignored)],
];

/** `0.001` → `0.1%`. */
export const percentWords = (share: number): string => `${Number((share * 100).toPrecision(12))}%`;

const toleranceWords = ({ ratio, margin }: Tolerance): string => `${ratio} times plus ${percentWords(margin)}`;

const strataWords = (selectors: readonly StratumSelector[]): string =>
  selectors.map(selectorWords).join(", ") || "nothing";

/** `not-found of www.shop.example via front`. */
export function selectorWords({ binding, hop, indicator }: StratumSelector): string {
  return [
    indicator === undefined ? "everything" : indicator === "unexpected" ? "probes" : indicator,
    ...(binding === undefined ? [] : [`of ${binding}`]),
    ...(hop === undefined ? [] : [`via ${hop}`]),
  ].join(" ");
}
