import { isLoopback } from "@sluice/coordinator/rpc/loopback";
import { Problem } from "@sluice/core/problems/problem";
import { type Clock, clockOf, paceVariable, readPace } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { World } from "../world.ts";

export interface RootClockOptions {
  readonly env: World["env"];
  /** Host of the coordinator, as it listens or as its agents reach it. */
  readonly coordinatorHost: string;
  readonly log: Pick<Log, "warn">;
}

/**
 * The clock of a long-running program: the machine's own, or a faster one where the environment asks for it. Throws `usage-invalid`
 * where others than programs of this machine could be in the fleet, because only tests and demos may wait less than they say.
 */
export function rootClock({ env, coordinatorHost, log }: RootClockOptions): Clock {
  const pace = readPace(env);
  if (pace !== undefined && !isLoopback(coordinatorHost)) {
    throw new Problem(
      "usage-invalid",
      `cannot go ${pace.times} times as fast with a coordinator on '${coordinatorHost}': ${paceVariable} is for fleets on loopback only`,
      { hint: `unset ${paceVariable}: soaks, deadlines and blocks of evidence are meant in real time` },
    );
  }
  if (pace !== undefined) log.warn({ times: pace.times, since: new Date(pace.since).toISOString() }, "clock.paced");
  return clockOf(env);
}
