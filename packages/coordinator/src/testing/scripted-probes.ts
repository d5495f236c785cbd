import {
  type Hop,
  type Instant,
  type IntentBody,
  type ProbedBinding,
  type ProbeResult,
  siteUnit,
  type UnitKey,
} from "@sluice/core";

type Asked = Omit<ProbeResult, "outcome">;

/** What an agent with this intent asks in one round: every binding of every running site, on every hop that it has. */
export function probesOf(
  host: string,
  body: IntentBody,
  running: ReadonlyMap<UnitKey, string>,
  at: Instant,
  round: Instant,
): readonly Asked[] {
  return body.sites.flatMap((duties) => {
    const release = running.get(siteUnit(duties.site));
    if (release === undefined) return [];
    return duties.bindings.flatMap((binding) =>
      hopsOf(binding).flatMap((hop) =>
        duties.probes.map((probe) => ({
          host,
          site: duties.site,
          binding: binding.name,
          bindingPort: binding.bindingPort,
          hop,
          probe: `${probe.method} ${probe.path}`,
          at,
          round,
          tookMs: 1,
          release,
        })),
      ),
    );
  });
}

const hopsOf = ({ shared, edge }: ProbedBinding): readonly Hop[] => [
  "slot",
  shared ? "front" : "proxy",
  ...(edge === undefined ? [] : (["edge"] as const)),
];
