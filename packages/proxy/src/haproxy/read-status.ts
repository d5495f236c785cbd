import { Problem } from "@sluice/core/problems/problem";
import type { SlotName } from "@sluice/core/proxying/proxy-settings";
import type { ProxyStatus } from "../control/control-messages.ts";
import { askWorkers, infoValue, type Processes, parseStats, type WorkerAnswers } from "./master-cli.ts";
import type { ProcessFiles } from "./process-files.ts";
import { parseDescription } from "./render-common.ts";
import { parseShownMap } from "./slot-map.ts";
import { cliWord } from "./switch-slots.ts";

/**
 * What the workers themselves say, the newest about itself and all of them about what is still open. `expected` is the pid of the
 * worker that answered before, if there was one: then a process at rest is asked on one connection.
 */
export async function readStatus({ masterSocket, slotMap }: ProcessFiles, expected?: number): Promise<ProxyStatus> {
  // A front knows neither the last nor the one before it, and says so: that is no answer to anything.
  const questions = ["show info", "show stat -1 5 -1", "slots held", `show map ${cliWord(slotMap)}`];
  const asked = await askWorkers(masterSocket, questions, expected);
  const [newest] = asked.processes.workers;
  if (newest === undefined) throw new Problem("proxy-unreachable", `haproxy at ${masterSocket} has no worker`);
  const [info = "", , , map = ""] = asked.answers.get(newest.pid) ?? [];
  const described = parseDescription(infoValue(info, "description") ?? "");
  if (described === undefined)
    throw new Problem("proxy-unreachable", `haproxy at ${masterSocket} does not say what it is`);
  const draining = newest.old || infoValue(info, "Stopping") === "1";
  return {
    kind: described.kind,
    build: `haproxy ${infoValue(info, "Version") ?? "unknown"}`,
    pid: newest.pid,
    startedAt: Number(infoValue(info, "Start_time_sec") ?? 0) * 1000,
    settingsDigest: described.digest,
    accepting: described.accepting && !draining,
    draining,
    slots: parseShownMap(map) ?? { live: "hold" },
    ...sumOpen(asked.answers),
    remarks: remarksOf(asked.processes),
  };
}

type Open = Pick<ProxyStatus, "inFlight" | "upgrades" | "connections" | "held">;

/** Sums over all workers: an old one may still have requests on a slot. One that has ended has nothing open any more. */
function sumOpen(answers: WorkerAnswers["answers"]): Open {
  const inFlight: Record<SlotName, number> = { blue: 0, green: 0 };
  const upgrades: Record<SlotName, number> = { blue: 0, green: 0 };
  let connections = 0;
  let held = 0;
  for (const [, stats = "", waiting = ""] of answers.values()) {
    held += Number(waiting.trim()) || 0;
    for (const { pxname, svname, scur } of parseStats(stats, "pxname", "svname", "scur")) {
      const current = Number(scur || 0);
      if (svname === "FRONTEND" && pxname !== "probes") connections += current;
      else if (svname === "blue" || svname === "green") inFlight[svname] += current;
      else if (svname === "blue-upgraded") upgrades.blue += current;
      else if (svname === "green-upgraded") upgrades.green += current;
    }
  }
  return { inFlight, upgrades, connections, held };
}

function remarksOf({ failedReloads }: Processes): readonly string[] {
  return failedReloads === 0 ? [] : [`${failedReloads} reloads failed; the previous configuration serves`];
}
