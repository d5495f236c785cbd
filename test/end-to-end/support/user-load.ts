import type { LoadTarget } from "@sluice/cli/load/ask-once";
import type { LoadReport } from "@sluice/cli/load/load-report";
import { type Load, startLoad } from "@sluice/cli/load/start-load";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import { directName, internalName, publicName, titleOf } from "./fleet-text.ts";
import type { Fleet } from "./start-fleet.ts";

/** Enough to meet every moment of a change, little enough to leave the machine time for the change. */
const requestsPerSecond = 150;

/** Users of one site on every host: through the front under both names, and straight to the site proxy's own port. */
export function startUsers(fleet: Fleet, site = "shop"): Load {
  return startLoad({ targets: targetsOf(fleet, site), requestsPerSecond });
}

function targetsOf(fleet: Fleet, site: string): readonly LoadTarget[] {
  const contains = titleOf(site);
  return fleet.hosts.flatMap((host) => {
    const shared = `http://127.0.0.1:${host.sharedPort}`;
    const own = `http://127.0.0.1:${host.ownPorts[site]}`;
    return [
      { origin: shared, hostName: publicName(site), way: "front", host: host.name, contains },
      { origin: shared, hostName: internalName(site), way: "front", host: host.name, contains },
      { origin: own, hostName: directName(site), way: "proxy", host: host.name, contains },
    ];
  });
}

/** Fewer requests would not mean much. */
const requestsMin = 300;

/** Stops the users when there were enough requests to mean something, expects that not one failed, and tells the numbers. */
export async function expectNoneFailed(
  what: string,
  users: Load,
  more: Readonly<Record<string, number>> = {},
): Promise<void> {
  await eventually(
    `${requestsMin} requests are answered`,
    () => users.report().ok + users.report().failed >= requestsMin,
  );
  const report = await users.stop();
  tellCounts(what, report, more);
  expect(report.failures).toEqual([]);
  expect(report.ok).toBe(report.sent);
}

export function tellCounts(what: string, report: LoadReport, more: Readonly<Record<string, number>> = {}): void {
  const counts = { sent: report.sent, ok: report.ok, failed: report.failed, ...more };
  const words = Object.entries(counts).map(([name, count]) => `${name} ${Math.round(count)}`);
  console.log(`${what}: ${words.join(", ")}, slowest ${Math.round(report.slowestMs)} ms`);
}
