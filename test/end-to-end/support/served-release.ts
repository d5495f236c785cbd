import { eventually } from "./eventually.ts";
import { directName, internalName } from "./fleet-text.ts";
import { ask, type Way } from "./fresh-requests.ts";
import type { FleetHost } from "./start-fleet.ts";

/** Both ways to a site on a host: through the front, and straight to the site proxy. */
export const waysTo = ({ sharedPort, ownPorts }: FleetHost, site = "shop"): readonly [front: Way, own: Way] => [
  { name: "front", port: sharedPort, hostName: internalName(site) },
  { name: "own port", port: ownPorts[site] ?? 0, hostName: directName(site) },
];

/** The release that answers over each way, asked on new connections. */
export function servedOver(ways: readonly Way[]): Promise<readonly string[]> {
  return Promise.all(
    ways.map(async (way) => {
      const response = await ask(way, "/");
      await response.toArray();
      return response.statusCode === 200 ? String(response.headers["x-release"]) : `status ${response.statusCode}`;
    }),
  );
}

export function untilServed(ways: readonly Way[], release: string): Promise<true> {
  return eventually(`release ${release} is served over ${ways.map(({ name }) => name).join(" and ")}`, async () => {
    const served = await servedOver(ways);
    return served.every((one) => one === release) && true;
  });
}
