import type { ActivationState, Intent, ObservedHost, SiteDuties, SiteProxySettings } from "@sluice/core";
import { acceptingProxies } from "@sluice/core/activation/observed-host";
import { dutiesUnder } from "@sluice/core/intent/duties-under";
import { proxyUnit } from "@sluice/core/intent/intent";
import { knownReleases } from "./known-releases.ts";
import type { Ledger } from "./ledger.ts";

/**
 * How every site is asked now: under the names and with the headers of the proxy that the activation brings, else of the
 * one users reach, else of the proven one. The coordinator waits for evidence by the same rule.
 */
export function askedDuties(
  { ledger, intent }: { readonly ledger: Ledger; readonly intent: Intent | undefined },
  host: ObservedHost | undefined,
  activation?: ActivationState,
): Readonly<Record<string, SiteDuties>> {
  const known = knownReleases(ledger, intent);
  const settingsOf = (site: string): SiteProxySettings | undefined => {
    const unit = proxyUnit(site);
    const brought = activation?.parts.find((part) => part.unit === unit)?.release;
    const reached = host === undefined ? undefined : acceptingProxies(host, unit).at(-1)?.digest;
    const release = brought ?? (reached === undefined ? undefined : known[reached]) ?? ledger.proven[unit];
    return release?.content as SiteProxySettings | undefined;
  };
  return Object.fromEntries(
    Object.entries(ledger.duties).map(([site, duties]) => {
      const settings = settingsOf(site);
      return [site, settings === undefined ? duties : dutiesUnder(duties, settings)];
    }),
  );
}

/**
 * Duties to remember when new ones come in: bindings that the fleet has dropped or renamed are still asked as long as the
 * proven proxy serves them.
 */
export function keepServedBindings(ledger: Ledger, next: SiteDuties): SiteDuties {
  const settings = ledger.proven[proxyUnit(next.site)]?.content as SiteProxySettings | undefined;
  const before = ledger.duties[next.site];
  if (settings === undefined || before === undefined) return next;
  const named = new Set(next.bindings.map(bindingKey));
  const served = dutiesUnder(before, settings).bindings.filter((binding) => !named.has(bindingKey(binding)));
  return served.length === 0 ? next : { ...next, bindings: [...next.bindings, ...served] };
}

const bindingKey = ({ name, bindingPort }: { readonly name: string; readonly bindingPort: number }): string =>
  `${name}:${bindingPort}`;
