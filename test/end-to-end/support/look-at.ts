import { isProgramUnit, type UnitKey } from "@sluice/core/intent/intent";
import type { Rollout, RolloutStep } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { eventually } from "./eventually.ts";
import type { Fleet } from "./start-fleet.ts";

/** What a unit runs by its own process's report; undefined when nothing runs. */
export async function runningOf(fleet: Fleet, host: string, unit: string) {
  const { observation } = await fleet.status(host);
  return observation?.units.find((one) => one.unit === unit)?.running;
}

/** `h1 front` → pid, for everything that runs for users: agents and keepers may come and go. */
export async function pidsOf(fleet: Fleet): Promise<ReadonlyMap<string, number>> {
  const pids = new Map<string, number>();
  for (const { name } of fleet.hosts) {
    const { observation } = await fleet.status(name);
    for (const { unit, running } of observation?.units ?? []) {
      if (running !== undefined && !isProgramUnit(unit as UnitKey)) pids.set(`${name} ${unit}`, running.pid);
    }
  }
  return pids;
}

export const stepsOf = (rollout: Rollout): readonly RolloutStep[] =>
  rollout.stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps));

/** Resolves as soon as the host's step of the rollout is in that state, or has gone beyond it. */
export function untilStep(fleet: Fleet, id: string, host: string, state: "activating" | "provisional") {
  const past = ["passed", "failed", "reverted", "provisional", ...(state === "activating" ? ["activating"] : [])];
  return eventually(
    `${host} is ${state} in ${id}`,
    async () =>
      stepsOf(await fleet.client.getRollout(id)).find((step) => step.host === host && past.includes(step.state)),
    { everyMs: 10 },
  );
}
