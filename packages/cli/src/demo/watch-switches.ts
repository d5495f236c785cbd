import { setTimeout as delay } from "node:timers/promises";
import type { CoordinatorClient } from "../operator/coordinator-client.ts";
import { stepsOf } from "../screen/rollout-words.ts";

/** Seen in time: a host stays on trial for the whole soak, which is many times longer. */
const lookEveryMs = 200;

export interface SwitchWatch extends AsyncDisposable {
  /** How long the newest switch of each host took. */
  readonly switchMs: Readonly<Record<string, number>>;
}

/** Notes how long hosts took to switch, which rollouts tell only while a host is on trial. Survives the coordinator. */
export function watchSwitches(client: CoordinatorClient): SwitchWatch {
  const switchMs: Record<string, number> = {};
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const rollouts = await client.listRollouts({ activeOnly: true, limit: 10 }).catch(() => []);
      for (const { step } of rollouts.flatMap(stepsOf)) {
        if (step.switchMs !== undefined) switchMs[step.host] = step.switchMs;
      }
      await delay(lookEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    switchMs,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}
