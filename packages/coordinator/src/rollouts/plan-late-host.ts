import type { HostChange, Rollout, Stage } from "@sluice/core";
import type { Db } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/** What a host is to follow that was away while a rollout passed its environment. */
export interface Following {
  readonly rollout: Rollout;
  readonly stage: Stage;
  readonly change: HostChange;
}

/** What the rollout brought the others, for the one host that it skipped. Approval was given to the whole environment before. */
export function planLateHost(db: Db, planning: Planning, { rollout, stage, change }: Following): PlannedRollout {
  const { kind, sites, title, oneWay } = rollout;
  const planned = planFor(planning, {
    ...{ kind, sites, title: `${title} on ${change.host}, which was away`, environments: [stage.environment] },
    ...(oneWay === undefined ? {} : { oneWay }),
    renews: (_, unit) => change.units.find((one) => one.unit === unit)?.renews ?? [],
    targets: (host) => (host === change.host ? change.units.flatMap(({ to }) => readUnitRelease(db, to) ?? []) : []),
  });
  const stages = planned.rollout.stages.map((one) => ({ ...one, gates: { ...one.gates, approval: [] } }));
  return { ...planned, rollout: { ...planned.rollout, stages } };
}
