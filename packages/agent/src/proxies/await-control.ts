import { Problem } from "@sluice/core/problems/problem";
import { durationMs } from "@sluice/core/units/time";
import type { ProxyControl } from "@sluice/proxy/control/control-client";
import type { Clock } from "@sluice/runtime";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { exitWords, lastWords } from "../slots/exit-words.ts";
import { logFile } from "../slots/log-tail.ts";
import { statusWithin } from "./status-within.ts";

export interface AwaitControlOptions {
  readonly keeper: Pick<KeeperClient, "child">;
  readonly dataDir: string;
  readonly clock: Clock;
}

/** A proxy is up in a fraction of a second; on a machine that is starting everything at once it may take a while. */
const withinMs = 20_000;
const askEveryMs = durationMs(50);

/** Resolves when the proxy answers; rejects at once when its process ends, with the reason it gave in its log. */
export async function awaitControl(
  childId: string,
  options: AwaitControlOptions,
  control: ProxyControl,
): Promise<void> {
  const { keeper, dataDir, clock } = options;
  const startedAt = clock.monotonic();
  for (;;) {
    const answered = await statusWithin(control, withinMs).catch(() => undefined);
    if (answered !== undefined) return;
    const child = await keeper.child(childId);
    if (child.lastExit !== null) {
      const words = `${exitWords(child.lastExit)}; ${await lastWords(dataDir, childId, 0)}`;
      throw problem("spawn-failed", `cannot start ${childId}: it ${words}`);
    }
    if (clock.monotonic() - startedAt > withinMs) {
      const words = await lastWords(dataDir, childId, 0);
      throw problem("deadline-passed", `cannot start ${childId}: it answers nothing on its control socket; ${words}`);
    }
    await clock.sleep(askEveryMs);
  }

  function problem(reason: "spawn-failed" | "deadline-passed", sentence: string): Problem {
    return new Problem(reason, sentence, { hint: `less ${logFile(dataDir, childId)}` });
  }
}
