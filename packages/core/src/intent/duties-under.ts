import type { SiteProxySettings } from "../proxying/proxy-settings.ts";
import type { SiteDuties } from "./intent.ts";

/**
 * How a site is asked while a proxy with these settings speaks for it: under the names that proxy knows, with the headers
 * it sends. The fleet may want other names and headers by now; until they are live, asking by them says nothing about
 * what users meet.
 */
export function dutiesUnder(duties: SiteDuties, settings: SiteProxySettings): SiteDuties {
  const { host, internalName } = settings.forward;
  const known = new Set(settings.bindings.map(({ name, bindingPort }) => `${name}:${bindingPort}`));
  return {
    ...duties,
    forward: { host, internalName },
    bindings: duties.bindings.filter(({ name, bindingPort }) => known.has(`${name}:${bindingPort}`)),
  };
}
