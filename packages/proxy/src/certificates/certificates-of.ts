import type { FrontSettings, SiteProxySettings } from "@sluice/core/proxying/proxy-settings";
import { byCertificate, type CertificateUse } from "./certificate-store.ts";

/** The certificates that a proxy of these settings presents: those of its bindings on listeners that speak TLS. */
export function certificatesOf(settings: SiteProxySettings | FrontSettings): readonly CertificateUse[] {
  const secure = new Set(settings.listeners.filter(({ tls }) => tls).map(({ bindingPort }) => bindingPort));
  const bindings = "routes" in settings ? settings.routes : settings.bindings;
  return byCertificate(
    bindings.flatMap(({ name, bindingPort, certificate }) =>
      certificate !== undefined && secure.has(bindingPort) ? [{ name, certificate }] : [],
    ),
  );
}
