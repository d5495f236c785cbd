import { durationMs, formatDuration } from "@sluice/core";
import { nameHosts } from "@sluice/core/rollout/wave";
import { describeUnit } from "@sluice/core/words/describe-unit";
import type { GetStatusResponse, UnitStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";

interface Reason {
  readonly host: string;
  readonly unit: UnitStatus;
}

/** Conditions that need no reason. */
const plain = ["in-sync", "idle"];

/** Why what is not in sync is not: one line for all hosts of which the same is to be said. */
export function reasonLines({ hosts }: GetStatusResponse): readonly string[] {
  const reasons = hosts.flatMap(({ host, connected, units }) =>
    // Of a host that is cut off the matrix says so, and what it said last is in the rows of its units.
    connected
      ? units.filter(({ condition }) => !plain.includes(condition)).map((unit): Reason => ({ host, unit }))
      : [],
  );
  const alike = Map.groupBy(reasons, ({ unit }) => `${unit.condition}: ${withoutAges(unit.sentence)}`);
  return [...alike.values()].map((same) => {
    const [first] = same;
    const names = nameHosts(same.map(({ host }) => host));
    return first === undefined ? "" : `${names}: ${first.unit.condition}: ${first.unit.sentence}`;
  });
}

/** Hosts began to wait at different moments; the oldest stands for all. */
const withoutAges = (sentence: string): string => sentence.replaceAll(/ for \d[\dhmsd]*/g, "");

/** `shop 2.3.0 is kept startable on web-1 and web-2 until 14:32 (12m more)`: the way back that takes no installing. */
export function keptLines(
  { hosts }: GetStatusResponse,
  { nowMs, clock }: { readonly nowMs: number; readonly clock: (atMs: number) => string },
): readonly string[] {
  const kept = hosts.flatMap(({ host, units }) =>
    units.flatMap(({ unit, previous, previousUntilMs }) =>
      previous === undefined || previousUntilMs === undefined || previousUntilMs <= nowMs
        ? []
        : [{ host, what: `${describeUnit(unit as "front")} ${previous}`, untilMs: previousUntilMs }],
    ),
  );
  return [...Map.groupBy(kept, ({ what }) => what)].map(([what, same]) => {
    // The shortest time is what can be relied on.
    const untilMs = Math.min(...same.map((one) => one.untilMs));
    const left = formatDuration(durationMs(untilMs - nowMs));
    const until = clock(untilMs).slice(0, "14:32".length);
    return `${what} is kept startable on ${nameHosts(same.map(({ host }) => host))} until ${until} (${left} more)`;
  });
}
