import { Problem, type Rollout, startEvents, startRollout, type UnitRelease } from "@sluice/core";
import { hostUnit } from "@sluice/core/rollout/wave";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { appendEvent } from "../store/event-log.ts";
import { writeDesired } from "../store/host-units.ts";
import { insertRollout } from "../store/rollouts.ts";
import type { Db } from "../store/store.ts";
import { writeUnitRelease } from "../store/unit-releases.ts";

/** A rollout that is planned and not begun, with every release it names. */
export interface PlannedRollout {
  readonly rollout: Rollout;
  readonly releases: readonly UnitRelease[];
}

/** Throws `unit-busy` when one of the active rollouts has one of the units to itself, naming it. */
export function assertUnitsFree(
  active: readonly { readonly rollout: Rollout }[],
  planned: readonly Pick<PlannedRollout, "rollout">[],
): void {
  const taken = new Map(active.flatMap(({ rollout }) => unitsOf(rollout).map((key) => [key, rollout] as const)));
  for (const { rollout } of planned) {
    for (const key of unitsOf(rollout)) {
      const other = taken.get(key);
      if (other === undefined) continue;
      throw new Problem(
        "unit-busy",
        `cannot start '${rollout.title}': ${key} is in the hands of rollout ${other.id} (${other.title})`,
        {
          hint: `wait for it, or end it: sluice rollout abort ${other.id}`,
        },
      );
    }
  }
}

const unitsOf = (rollout: Rollout): readonly string[] =>
  rollout.stages.flatMap(({ waves }) =>
    waves.flat().flatMap(({ host, units }) => units.map(({ unit }) => hostUnit(host, unit))),
  );

/** Begins a rollout. Part of the caller's transaction: the releases, what is desired, the rollout and its event. */
export function launch(
  db: Db,
  { rollout, releases }: PlannedRollout,
  { clock, log }: { clock: Clock; log: Log },
): void {
  const at = clock.now();
  for (const release of releases) writeUnitRelease(db, release);
  for (const { host, units } of rollout.stages.flatMap(({ waves }) => waves.flat())) {
    for (const { unit, to } of units) writeDesired(db, { host, unit, digest: to });
  }
  insertRollout(db, rollout, startRollout(rollout, at));
  for (const event of startEvents(rollout, at)) appendEvent(db, event);
  const { id, by, title, reason } = rollout;
  log.info({ rollout: id, by, title, reason }, "rollout.started");
}

/** True when the rollout would change nothing anywhere. */
export const isEmpty = ({ rollout }: PlannedRollout): boolean =>
  rollout.stages.every(({ waves }) => waves.flat().length === 0);
