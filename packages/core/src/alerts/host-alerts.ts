import { dayOf } from "../host/certificates.ts";
import type { UnitKey } from "../intent/intent.ts";
import type { ToldHost } from "../timeline/host-events.ts";
import { type DurationMs, formatDuration, instant, minutes } from "../units/time.ts";
import { describeUnit } from "../words/describe-unit.ts";
import type { Alert, AlertLabels } from "./alert.ts";
import type { AlertFacts, PendingTooLong } from "./alert-facts.ts";

/** Over how long restarts of one unit are counted. */
export const restartsWithinMs: DurationMs = minutes(10);

/** One restart is a crash; three within {@link restartsWithinMs} are no accident. */
const restartsMax = 3;

/** What hosts of the fleet have to tell: silence, drift, what does not run, and what was never activated. */
export function hostAlerts(facts: AlertFacts): readonly Alert[] {
  const { hosts, environmentOf } = facts;
  const told = [...hosts].filter(([host]) => environmentOf.has(host));
  return [
    ...told.flatMap(([host, one]) => (calm.has(one) ? [] : alertsOf(host, one, facts))),
    ...pendingAlerts(facts),
    ...crashLoops(facts),
  ];
}

/** Words that nothing is wrong in; looked at again only when a host has said something else. */
const calm = new WeakSet<ToldHost>();

/** Of a silent host nothing else is said: what it said last may be out of date. */
function alertsOf(host: string, told: ToldHost, facts: AlertFacts): readonly Alert[] {
  const labels = labelsOf(facts, host);
  if (told.silent) {
    const sentence = `${host} is silent: its agent was not heard of; users are served without it, and nothing is decided about the host by that`;
    return [{ name: "SluiceHostSilent", labels, sentence }];
  }
  const alerts = [
    ...unitAlerts(host, told, labels),
    ...driftAlerts(host, told, labels),
    ...certificateAlerts(host, told, labels),
  ];
  if (alerts.length === 0) calm.add(told);
  return alerts;
}

function unitAlerts(host: string, { units }: ToldHost, labels: AlertLabels): readonly Alert[] {
  return Object.entries(units).flatMap(([unit, { condition }]): readonly Alert[] => {
    const of = { ...labels, ...unitLabels(unit) };
    const name = describeUnit(unit as UnitKey);
    if (condition === "down")
      return [{ name: "SluiceUnitDown", labels: of, sentence: `${name} does not run on ${host}` }];
    if (condition !== "drifted") return [];
    const sentence = `${name} runs on ${host} what nobody granted: sluice status --host ${host}`;
    return [{ name: "SluiceUnitDrifted", labels: of, sentence }];
  });
}

/** One alert for everything about one unit: somebody who edits twenty files did one thing. */
function driftAlerts(host: string, { drifts = [] }: ToldHost, labels: AlertLabels): readonly Alert[] {
  const open = Map.groupBy(
    drifts.filter(({ isOver }) => !isOver),
    ({ about }) => about,
  );
  return [...open].map(([about, found]): Alert => {
    const what = about === "host" ? "the host" : describeUnit(about);
    const places = found.slice(0, 3).map(({ kind, where }) => `${kind.replaceAll("-", " ")} (${where})`);
    const more = found.length > places.length ? ` and ${found.length - places.length} more` : "";
    const since = instant(Math.min(...found.map((one) => one.since)));
    return {
      name: "SluiceDrift",
      labels: { ...labels, ...(about === "host" ? {} : unitLabels(about)) },
      sentence: `${what} was changed by hand on ${host}: ${places.join(", ")}${more}; sluice status --host ${host}`,
      since,
    };
  });
}

/** One alert for all certificates of a host that are equally near their end: whatever renews them renews none of them. */
function certificateAlerts(host: string, { certificates = [] }: ToldHost, labels: AlertLabels): readonly Alert[] {
  const near = certificates.filter(({ expiry }) => expiry === "near");
  const atEnd = certificates.filter(({ expiry }) => expiry === "at-hand" || expiry === "expired");
  const alert = (name: Alert["name"], ending: typeof near): readonly Alert[] => {
    if (ending.length === 0) return [];
    const words = ending.map(({ name: certificate, validUntil }) => `${certificate} until ${dayOf(validUntil)}`);
    const sentence = `${host} presents certificate ${words.join(", ")}: renew it, and restart what presents it: sluice restart --proxies; sluice status --host ${host}`;
    return [{ name, labels, sentence }];
  };
  return [...alert("SluiceCertificateExpiring", near), ...alert("SluiceCertificateEnds", atEnd)];
}

function pendingAlerts(facts: AlertFacts): readonly Alert[] {
  return facts.pending
    .filter(({ host }) => facts.environmentOf.has(host))
    .map((one): Alert => {
      const labels = { ...labelsOf(facts, one.host), ...unitLabels(one.unit) };
      return { name: "SluicePendingActivation", labels, sentence: pendingWords(one), since: one.since };
    });
}

const pendingWords = ({ host, unit, limitMs }: PendingTooLong): string =>
  `${describeUnit(unit as UnitKey)} is pending activation on ${host} for longer than ${formatDuration(limitMs)}: activate it by a rollout, or take back what is wanted; sluice status --host ${host}`;

function crashLoops(facts: AlertFacts): readonly Alert[] {
  const { restarts, environmentOf, now } = facts;
  const recent = restarts.filter(({ host, at }) => environmentOf.has(host) && now - at < restartsWithinMs);
  const byUnit = Map.groupBy(recent, ({ host, unit }) => `${host} ${unit}`);
  return [...byUnit.values()].flatMap((times): readonly Alert[] => {
    const [first] = times;
    if (first === undefined || times.length < restartsMax) return [];
    const { host, unit } = first;
    const sentence = `${describeUnit(unit as UnitKey)} was started again ${times.length} times on ${host} within ${formatDuration(restartsWithinMs)}`;
    const since = instant(Math.min(...times.map(({ at }) => at)));
    return [
      { name: "SluiceUnitCrashLooping", labels: { ...labelsOf(facts, host), ...unitLabels(unit) }, sentence, since },
    ];
  });
}

function labelsOf({ environmentOf }: AlertFacts, host: string): AlertLabels {
  const environment = environmentOf.get(host);
  return { host, ...(environment === undefined ? {} : { environment }) };
}

/** The front serves every site, so that it has no label of one. */
const unitLabels = (unit: string): AlertLabels => {
  const site = unit.includes(":") ? unit.slice(unit.indexOf(":") + 1) : undefined;
  return { unit, ...(site === undefined ? {} : { site }) };
};
