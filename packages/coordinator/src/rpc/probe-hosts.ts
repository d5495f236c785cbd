import type { ProbeRequest, ProbeResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { Sessions } from "../hosts/sessions.ts";

/** Asks the hosts of a site to probe now; each is answered as soon as it has spoken, a silent one with a refusal. */
export async function* probeHosts(
  { fleets, sessions }: { readonly fleets: FleetDesk; readonly sessions: Sessions },
  request: ProbeRequest,
  signal: AbortSignal,
): AsyncIterable<ProbeResponse> {
  const hosts = hostsToAsk(fleets, request);
  const waiting = new Map(hosts.map((host) => [host, ask(sessions, host, request.site, signal)]));
  while (waiting.size > 0) {
    const answer = await Promise.race(waiting.values());
    waiting.delete(answer.host);
    yield answer;
  }
}

async function ask(sessions: Sessions, host: string, site: string, signal: AbortSignal): Promise<ProbeResponse> {
  const { results, refusal } = await sessions.probes.ask(host, site, signal);
  return { host, results, refusal };
}

function hostsToAsk(fleets: FleetDesk, { site: name, host }: ProbeRequest): readonly string[] {
  const site = fleets.site(name);
  if (host !== undefined) return [fleets.host(host).name];
  const { environments } = fleets.require().fleet;
  return environments
    .filter((environment) => (site.bindings[environment.name] ?? []).length > 0)
    .flatMap(({ hosts }) => hosts);
}
