import { durationMs, Problem, type Rollout, type Stage, type UnitRelease } from "@sluice/core";
import { noWayBack } from "@sluice/core/rollout/way-back";
import { readBadReleases } from "../store/bad-releases.ts";
import { laterRolloutsOf, type StoredRollout } from "../store/rollouts.ts";
import type { Db } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/**
 * A completed rollout the other way round: a rollout of its own, back to what was proven before on each host.
 * Refused when a newer rollout has touched one of its units, when nothing ran before, and when there is no way back and
 * the asker may not override that or gives no reason.
 */
export function planRevert(db: Db, planning: Planning, completed: StoredRollout, mayOverride: boolean): PlannedRollout {
  const { rollout, state } = completed;
  assertWayBack(db, completed, planning, mayOverride);
  assertNothingNewer(db, completed);
  const changes = rollout.stages
    .flatMap(({ waves }) => waves.flat())
    .filter(({ host }) => state.steps[host]?.kind === "passed");
  const planned = planFor(planning, {
    kind: "revert",
    title: `revert of ${rollout.title}`,
    sites: rollout.sites,
    renews: (host, unit) =>
      changes.find((one) => one.host === host)?.units.find((one) => one.unit === unit)?.renews ?? [],
    targets: (host) => {
      const change = changes.find((one) => one.host === host);
      return (change?.units ?? []).flatMap(({ unit, from }) => previous(db, rollout, host, unit, from));
    },
  });
  return { ...planned, rollout: { ...planned.rollout, stages: planned.rollout.stages.map(withoutWaiting) } };
}

/** There is a way back, or the asker may override that there is none, and says why. */
function assertWayBack(
  db: Db,
  { rollout, state }: StoredRollout,
  { by, reason = "" }: Planning,
  mayOverride: boolean,
): void {
  const stays = noWayBack({ rollout, badReleases: readBadReleases(db) }, state.steps);
  if (stays === undefined) return;
  const why = `cannot revert rollout '${rollout.id}' as '${by}': ${stays.why}`;
  const hint = "deploy a release that is good instead: sluice deploy SITE VERSION";
  if (!mayOverride) throw new Problem("role-missing", `${why}; it takes a role that may override`, { hint });
  if (reason.trim() === "") throw new Problem("reason-missing", `${why}; give a reason with --reason`, { hint });
}

function assertNothingNewer(db: Db, { rollout, number }: StoredRollout): void {
  for (const { host, units } of rollout.stages.flatMap(({ waves }) => waves.flat())) {
    for (const { unit } of units) {
      const [newer] = laterRolloutsOf(db, host, unit, number);
      if (newer === undefined) continue;
      throw new Problem(
        "verb-refused",
        `cannot revert rollout '${rollout.id}': rollout ${newer} changed ${unit} on ${host} after it`,
        {
          hint: `revert that one first, or deploy the version you want: sluice deploy ${rollout.sites[0] ?? "SITE"} VERSION`,
        },
      );
    }
  }
}

function previous(
  db: Db,
  rollout: Rollout,
  host: string,
  unit: string,
  from: string | undefined,
): readonly UnitRelease[] {
  const release = from === undefined ? undefined : readUnitRelease(db, from);
  if (release !== undefined) return [release];
  throw new Problem(
    "verb-refused",
    `cannot revert rollout '${rollout.id}': nothing was proven for ${unit} on ${host} before it`,
  );
}

/** Going back to what passed here before waits for evidence, never for people or a soak; gates before waves it has none. */
function withoutWaiting(stage: Stage): Stage {
  const health = Object.entries(stage.health ?? {}).map(([site, one]) => [site, { ...one, minBakeMs: durationMs(0) }]);
  const gates = { ...stage.gates, soakMs: durationMs(0), approval: [] };
  return { ...stage, gates, health: Object.fromEntries(health) };
}
