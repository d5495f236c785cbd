import { Problem } from "@sluice/core/problems/problem";
import type { SlotName } from "@sluice/core/proxying/proxy-settings";
import type { ProxyStatus } from "../control/control-messages.ts";
import { askWorker, type Processes, parseInfo, parseStats, readProcesses } from "./master-cli.ts";
import type { ProcessFiles } from "./process-files.ts";
import { parseDescription } from "./render-common.ts";
import { parseShownMap } from "./slot-map.ts";
import { cliWord } from "./switch-slots.ts";

/** What the workers themselves say, the newest about itself and all of them about what is still open. */
export async function readStatus(files: ProcessFiles): Promise<ProxyStatus> {
  const { masterSocket } = files;
  const processes = await readProcesses(masterSocket);
  const [newest] = processes.workers;
  if (newest === undefined) throw new Problem("proxy-unreachable", `haproxy at ${masterSocket} has no worker`);
  const info = parseInfo(await askWorker(masterSocket, newest.pid, "show info"));
  const described = parseDescription(info.get("description") ?? "");
  if (described === undefined)
    throw new Problem("proxy-unreachable", `haproxy at ${masterSocket} does not say what it is`);
  const isSite = described.kind === "site-proxy";
  const [slots, open] = await Promise.all([
    isSite ? askWorker(masterSocket, newest.pid, `show map ${cliWord(files.slotMap)}`).then(parseShownMap) : undefined,
    readOpen(masterSocket, processes, isSite),
  ]);
  const draining = newest.old || info.get("Stopping") === "1";
  return {
    kind: described.kind,
    build: `haproxy ${info.get("Version") ?? "unknown"}`,
    pid: newest.pid,
    startedAt: Number(info.get("Start_time_sec") ?? 0) * 1000,
    settingsDigest: described.digest,
    accepting: described.accepting && !draining,
    draining,
    slots: slots ?? { live: "hold" },
    ...open,
    remarks: remarksOf(processes),
  };
}

type Open = Pick<ProxyStatus, "inFlight" | "upgrades" | "connections" | "held">;

/** Sums over all workers: an old one may still have requests on a slot. */
async function readOpen(masterSocket: string, { workers }: Processes, isSite: boolean): Promise<Open> {
  const inFlight: Record<SlotName, number> = { blue: 0, green: 0 };
  const upgrades: Record<SlotName, number> = { blue: 0, green: 0 };
  let connections = 0;
  let held = 0;
  for (const { pid } of workers) {
    const answers = Promise.all([
      askWorker(masterSocket, pid, "show stat -1 5 -1"),
      isSite ? askWorker(masterSocket, pid, "slots held") : "0",
    ]);
    // A worker that ends between two questions has nothing open any more.
    const [stats, waiting] = await answers.catch(() => ["", "0"] as const);
    held += Number(waiting.trim()) || 0;
    for (const row of parseStats(stats)) {
      const current = Number(row.get("scur") || 0);
      const name = row.get("svname") ?? "";
      if (name === "FRONTEND" && row.get("pxname") !== "probes") connections += current;
      else if (name === "blue" || name === "green") inFlight[name] += current;
      else if (name === "blue-upgraded") upgrades.blue += current;
      else if (name === "green-upgraded") upgrades.green += current;
    }
  }
  return { inFlight, upgrades, connections, held };
}

function remarksOf({ failedReloads }: Processes): readonly string[] {
  return failedReloads === 0 ? [] : [`${failedReloads} reloads failed; the previous configuration serves`];
}
