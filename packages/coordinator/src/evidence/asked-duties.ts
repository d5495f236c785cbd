import { dutiesUnder, proxyUnit, type Rollout, type SiteDuties, type SiteProxySettings } from "@sluice/core";

export interface AskedDutiesInput {
  readonly rollout: Rollout;
  readonly host: string;
  /** How each site of the host is looked after, from the applied fleet. */
  readonly duties: readonly SiteDuties[];
  /** Digest of what is proven on the host, by unit. */
  readonly provenOf: (unit: string) => string | undefined;
  readonly settingsOf: (digest: string) => SiteProxySettings | undefined;
}

/**
 * How the sites of a host are asked while the rollout is on trial there: under the names and with the headers of the
 * proxies it brings, else of those that are proven. The agent asks by the same rule, so that exactly what is asked is
 * waited for.
 */
export function askedDuties({ rollout, host, duties, provenOf, settingsOf }: AskedDutiesInput): readonly SiteDuties[] {
  const changes = rollout.stages.flatMap(({ waves }) => waves.flat()).find((change) => change.host === host);
  return duties.map((one) => {
    const unit = proxyUnit(one.site);
    const digest = changes?.units.find((change) => change.unit === unit)?.to ?? provenOf(unit);
    const settings = digest === undefined ? undefined : settingsOf(digest);
    return settings === undefined ? one : dutiesUnder(one, settings);
  });
}
