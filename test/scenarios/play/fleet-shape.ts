import {
  type Binding,
  type DurationMs,
  durationMs,
  type Environment,
  type Fleet,
  type Gates,
  minutes,
  minutesOf,
  parseDuration,
  type TimeWindow,
  type WaveSize,
  weekdays,
} from "@sluice/core";
import type { HistoryOptions } from "../../simulation/history-options.ts";
import { fleetOf, sitesOf } from "../../simulation/simulated-fleet.ts";
import type { Place } from "../../simulation/store.ts";
import { ScriptError } from "./command-line.ts";

/** Of every fleet that a scenario plays. */
export const siteNames = sitesOf({ sites: 2 });

/** A quiet world: nothing is lost, nothing crashes and nothing is late but what a script says. */
export function quietOptions(
  given: Pick<
    HistoryOptions,
    | ("acceptance" | "production" | "maxUnavailable" | "onRegression")
    | ("skipLostMs" | "programs" | "keepers" | "renewals")
  >,
): HistoryOptions {
  return {
    seed: 1,
    sites: 2,
    ...given,
    approval: false,
    loss: 0,
    repeat: 0,
    delayMs: 20,
    partitionEveryMs: 0,
    agentCrashEveryMs: 0,
    rebootEveryMs: 0,
    coordinatorCrashEveryMs: 0,
    processCrashEveryMs: 0,
    crashAfterSave: 0,
    agentCrashAfterStep: 0,
    orderFailure: 0,
    orderMs: 20,
    longOutage: false,
    restoresBackup: false,
    edgeUnknown: 0,
    behaviours: [],
    deployEveryMs: 0,
    operatorEveryMs: 0,
    hastyEveryMs: 0,
    faultsMs: 0,
    gates: { mendedAfterMs: 0, freezeEveryMs: 0, haltAllEveryMs: 0, overrideEveryMs: 0, ackEveryMs: 0, subset: 0 },
  };
}

/** The fleet file of a scenario, from the options of its `fleet` command; production has the gates that are asked for. */
export function shapedFleet(
  options: HistoryOptions,
  places: readonly Place[],
  asked: Readonly<Record<string, string>>,
  zone: string,
): Fleet {
  const plain = fleetOf(options, places);
  const isPublicBelow = (asked["public"] ?? "everywhere") === "everywhere";
  return {
    ...plain,
    name: "acme",
    environments: plain.environments.map((one) => (one.name === "production" ? upper(one, asked, zone) : lower(one))),
    sites: plain.sites.map((site) => ({
      ...site,
      bindings: {
        acceptance: namesOf(site.name, isPublicBelow, "at."),
        production: namesOf(site.name, true, ""),
      },
    })),
  };
}

function namesOf(site: string, isPublic: boolean, prefix: string): readonly Binding[] {
  const internal: Binding = { name: `${site}.${prefix}internal`, kind: "internal", port: 8080 };
  const name = `www.${site}.${prefix}example`;
  return isPublic ? [internal, { name, kind: "public", port: 80, edge: `https://${name}` }] : [internal];
}

const lower = (environment: Environment): Environment => ({
  ...environment,
  gates: { soakMs: durationMs(20_000), approval: [], maxWaitMs: minutes(2), monitoring: true },
});

function upper(environment: Environment, asked: Readonly<Record<string, string>>, zone: string): Environment {
  const { window, attended, approval, waves, unconfirmed, "skip-lost-after": skipLost } = asked;
  const gates: Gates = {
    soakMs: duration(asked["soak"] ?? "1m"),
    maxWaitMs: duration(asked["max-wait"] ?? "5m"),
    approval: approval === undefined ? [] : approval.split(",").map(approvalOf),
    monitoring: true,
    coverage: true,
    representativeness: true,
    windows: window === undefined ? [] : [windowOf(window, zone)],
    ...(attended === undefined ? {} : { attendedWithinMs: duration(attended) }),
  };
  return {
    ...environment,
    gates,
    ...(waves === undefined ? {} : { waves: waves.split(",").map(waveOf) }),
    ...(unconfirmed === "keep" ? { unconfirmed } : {}),
    ...(skipLost === undefined ? {} : { skipLostMs: duration(skipLost) }),
  };
}

export function duration(text: string): DurationMs {
  const read = parseDuration(text);
  if (read === undefined) throw new ScriptError(`'${text}' is no duration`);
  return read;
}

function approvalOf(text: string): Gates["approval"][number] {
  const [role = "", count = "1"] = text.split(":");
  return { role, count: Number(count) };
}

const waveOf = (text: string): WaveSize =>
  text.endsWith("%") ? { kind: "percent", percent: Number(text.slice(0, -1)) } : { kind: "hosts", count: Number(text) };

/** `mon-thu 09:00-15:00`, `sun 01:00-05:00` */
function windowOf(text: string, zone: string): TimeWindow {
  const [days = "", hours = ""] = text.split(" ");
  const [from = "", to = from] = days.split("-");
  const [opens = "", closes = ""] = hours.split("-");
  const known: readonly string[] = weekdays;
  const span = weekdays.slice(known.indexOf(from), known.indexOf(to) + 1);
  if (span.length === 0) throw new ScriptError(`'${text}' is no window; write mon-thu 09:00-15:00`);
  return { days: span, opens: minutesOf(opens), closes: minutesOf(closes), zone };
}
