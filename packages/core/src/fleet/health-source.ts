import * as z from "zod";
import { trafficIndicators } from "../health/tested-stratum.ts";
import * as words from "./source-words.ts";

/** What may get worse, as the fleet file calls it: how requests of users end, and what probes are answered. */
export const indicatorWords = [...trafficIndicators, "probes"] as const;
export type IndicatorWord = (typeof indicatorWords)[number];

const indicatorsWanted = `${indicatorWords.slice(0, -1).join(", ")} or ${indicatorWords.at(-1)}`;
const indicator = z.enum(indicatorWords, { error: indicatorsWanted });

const narrowed = z
  .strictObject({
    binding: words.bindingName.optional().describe("Only under this host name."),
    hop: z.enum(["slot", "proxy", "front", "edge"]).optional().describe("Only as seen at this hop."),
    indicator: indicator.optional().describe("Only this way of getting worse."),
  })
  .describe("Everything that has all of these properties; at least one is given.");

const strata = z
  .array(
    z
      .union([indicator, narrowed], {
        error: `${indicatorsWanted}, or a map such as { binding: www.shop.example, indicator: not-found }`,
      })
      .describe("One way of getting worse everywhere, or narrowed to a host name or hop."),
  )
  .min(1, { error: "at least one" });

const tolerance = z.strictObject({
  ratio: words.ratio.optional().describe("The share may grow to so many times the old one."),
  add: words.margin.optional().describe("And by so much on top."),
});

/** What stands under `health`, at `defaults`, at an environment and at a site alike. */
export const healthSource = z.strictObject({
  falseHalt: words.rate.optional().describe("Largest probability of halting a rollout that makes nothing worse."),
  falsePass: words.rate
    .optional()
    .describe("Largest probability of passing a host that got worse by what a pass has to rule out."),
  ruleOut: words.rate.optional().describe("Increase of the bad share that a pass has to rule out."),
  tolerance: tolerance.optional().describe("How much of an increase of errors counts as no worse."),
  slowTolerance: tolerance.optional().describe("How much of an increase of slow answers counts as no worse."),
  warmUp: words.duration
    .optional()
    .describe("Time after a switch in which latency is not looked at, because caches are cold."),
  minBake: words.duration.optional().describe("Shortest time after the warm-up before a host passes."),
  require: strata.optional().describe("What has to be known to be no worse before a host passes."),
  ignore: strata.optional().describe("What is not looked at."),
});

export type HealthSource = z.infer<typeof healthSource>;
export type StrataSource = NonNullable<HealthSource["require"]>;
