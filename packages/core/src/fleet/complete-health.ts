import {
  defaultHealthSettings,
  type HealthSettings,
  type StratumSelector,
  type Tolerance,
} from "../health/health-settings.ts";
import { type DurationMs, durationMs, parseDuration } from "../units/time.ts";
import type { Fleet, Gates } from "./fleet.ts";
import type { HealthSource, IndicatorWord, StrataSource } from "./health-source.ts";

export interface HealthLayers {
  /** What is said, from the most general to the most particular: `defaults`, environment, site. Later words win, key by key. */
  readonly sources: readonly (HealthSource | undefined)[];
  /** Names of the site's bindings in the environment. */
  readonly bindings: readonly string[];
  readonly gates: Gates;
}

/** The settings of one site in one environment. What is said about a binding that it has elsewhere only is left out. */
export function completeHealth({ sources, bindings, gates }: HealthLayers): HealthSettings {
  const said: HealthSource = Object.assign({}, ...sources);
  const toleranceOf = (key: "tolerance" | "slowTolerance", usual: Tolerance): Tolerance =>
    completeTolerance(usual, Object.assign({}, ...sources.map((source) => source?.[key])));
  const { tolerance } = defaultHealthSettings;
  const here = (strata: StrataSource): readonly StratumSelector[] => selectorsIn(strata, bindings);
  const required = here(said.require ?? []);
  return {
    falseHalt: said.falseHalt === undefined ? defaultHealthSettings.falseHalt : shareOf(said.falseHalt),
    falsePass: said.falsePass === undefined ? defaultHealthSettings.falsePass : shareOf(said.falsePass),
    ...(said.ruleOut === undefined ? {} : { ruleOut: shareOf(said.ruleOut) }),
    tolerance: {
      errors: toleranceOf("tolerance", tolerance.errors),
      slowness: toleranceOf("slowTolerance", tolerance.slowness),
      probes: tolerance.probes,
    },
    warmUpMs: said.warmUp === undefined ? defaultHealthSettings.warmUpMs : ms(said.warmUp),
    minBakeMs: said.minBake === undefined ? defaultHealthSettings.minBakeMs : ms(said.minBake),
    maxWaitMs: evidenceWithinMs(gates),
    required: required.length === 0 ? defaultHealthSettings.required : required,
    ignored: here(said.ignore ?? []),
  };
}

/** The settings that a rollout created now would follow. A site that is not bound there has the built-in ones. */
export function healthSettingsOf(fleet: Fleet, site: string, environment: string): HealthSettings {
  return fleet.sites.find(({ name }) => name === site)?.health[environment] ?? defaultHealthSettings;
}

/** Evidence may take as long as the soak takes anyway, else as usual; an observation is over after soak and longest wait. */
function evidenceWithinMs({ soakMs, maxWaitMs }: Gates): DurationMs {
  return durationMs(Math.min(soakMs + maxWaitMs, Math.max(soakMs, defaultHealthSettings.maxWaitMs)));
}

function completeTolerance(usual: Tolerance, said: NonNullable<HealthSource["tolerance"]>): Tolerance {
  return {
    ratio: said.ratio ?? usual.ratio,
    margin: said.add === undefined ? usual.margin : shareOf(said.add),
  };
}

const selectorsIn = (strata: StrataSource, bindings: readonly string[]): readonly StratumSelector[] =>
  strata.map(selectorOf).filter(({ binding }) => binding === undefined || bindings.includes(binding));

/** `not-found` or `{ binding: Www.Shop.Example, indicator: probes }` as the rule reads it. */
export function selectorOf(source: StrataSource[number]): StratumSelector {
  if (typeof source === "string") return { indicator: indicatorOf(source) };
  const { binding, hop, indicator } = source;
  return {
    ...(binding === undefined ? {} : { binding: binding.toLowerCase() }),
    ...(hop === undefined ? {} : { hop }),
    ...(indicator === undefined ? {} : { indicator: indicatorOf(indicator) }),
  };
}

/** A probe has one way to go wrong, so that people need no second word for it. */
const indicatorOf = (word: IndicatorWord): NonNullable<StratumSelector["indicator"]> =>
  word === "probes" ? "unexpected" : word;

/** `0.1%` → 0.001, without the noise of a division. */
const shareOf = (percent: string): number => Number(`${Number(percent.slice(0, -1))}e-2`);

function ms(text: string): DurationMs {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new TypeError(`a checked duration is not one: ${text}`);
  return parsed;
}
