import { type HealthSettings, isRequired, ruleOutSteps } from "./health-settings.ts";
import { klLower } from "./kl-lower.ts";
import { requestsToExclude } from "./non-inferior.ts";
import { requestsForTraffic } from "./rule.ts";
import type { TestedStratum } from "./tested-stratum.ts";
import type { Tally } from "./verdict-row.ts";

export interface IncreaseQuestion {
  readonly settings: HealthSettings;
  readonly stratum: TestedStratum;
  readonly before: Tally & { readonly requestsPerSecond: number };
  readonly dispersion: number;
  /** The binding is probed on this host, on whatever hop. */
  readonly probed: boolean;
}

/** A probe has to rule out that its binding is broken half of the time. */
export const increaseOfProbe = 0.5;

/**
 * The increase of its bad share that a stratum has to rule out before its host passes: what the settings say, else the smallest
 * one that the traffic of `maxWaitMs` can. `undefined` if it has to rule out nothing: it is not required, or it has so little
 * traffic that the probes of its binding speak for it (health-verdict §2.5): then they have to rule out {@link increaseOfProbe},
 * required themselves or not.
 */
export function requiredIncrease(question: IncreaseQuestion): number | undefined {
  const { settings, stratum, before, probed } = question;
  if (!isRequired(settings, stratum)) return undefined;
  if (stratum.source === "probe") return increaseOfProbe;
  const due = (before.requestsPerSecond * settings.maxWaitMs) / 1000;
  if (due < requestsForTraffic && probed) return undefined;
  return settings.ruleOut ?? smallestReachable(question, due) ?? (probed ? undefined : ruleOutSteps.at(-1));
}

/** Requests it takes in nine of ten cases, against the expectation, where some are bad anyway (health-verdict §3.6). */
const reserveForLuck = 2;

function smallestReachable({ settings, before, dispersion }: IncreaseQuestion, due: number): number | undefined {
  const share = before.requests === 0 ? 0 : before.bad / before.requests;
  const oldRate = lowestOldRate(before, dispersion, settings.falsePass);
  const logBar = Math.log(2 / settings.falsePass);
  const reserve = share === 0 ? 1 : reserveForLuck;
  return ruleOutSteps.find(
    (step) => step >= share && requestsToExclude(oldRate + step, share, logBar) * dispersion * reserve <= due,
  );
}

/** What the bad share was at least before the change, with half of the permitted doubt. */
export function lowestOldRate({ requests, bad }: Tally, dispersion: number, falsePass: number): number {
  return klLower(requests / dispersion, bad / dispersion, falsePass / 2);
}
