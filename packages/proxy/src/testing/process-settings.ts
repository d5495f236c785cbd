import {
  defaultProxyLimits,
  type ProxyBinding,
  type ProxyLimits,
  type SlotTable,
} from "@sluice/core/proxying/proxy-settings";
import type { FrontProcess, SiteProxyProcess } from "../settings/process-settings.ts";

/** The settings of a site proxy with one plain listener, whatever `change` says otherwise. */
export function siteProcess(
  change: Partial<SiteProxyProcess> & {
    readonly limits?: Partial<ProxyLimits>;
    readonly bindings?: readonly ProxyBinding[];
  },
): SiteProxyProcess {
  const { limits, bindings, ...rest } = change;
  return {
    kind: "site-proxy",
    host: "web-1",
    settingsDigest: "sha256:settings",
    settings: {
      site: "shop",
      engine: "node",
      listeners: [{ bindingPort: 80, address: "127.0.0.1", port: 80, tls: false }],
      behindFront: false,
      bindings: bindings ?? [{ name: "app.test", kind: "public", bindingPort: 80 }],
      forward: { host: "preserve", internalName: "app.internal" },
      limits: { ...defaultProxyLimits, ...limits },
    },
    sockets: [{ fd: 3, bindingPort: 80 }],
    probeToken: "let-me-through",
    ...rest,
  };
}

/** A front for one site and one plain listener. */
export function frontProcess(socketPath: string, change: Partial<FrontProcess> = {}): FrontProcess {
  return {
    kind: "front",
    host: "web-1",
    settingsDigest: "sha256:front",
    settings: {
      engine: "node",
      listeners: [{ bindingPort: 80, address: "127.0.0.1", port: 80, tls: false }],
      routes: [{ name: "app.test", kind: "public", bindingPort: 80, site: "shop" }],
      limits: defaultProxyLimits,
    },
    sockets: [{ fd: 3, bindingPort: 80 }],
    sites: { shop: { socketPath, probeToken: "let-me-through" } },
    ...change,
  };
}

export function slotTable(live: SlotTable["live"], blue: number, green?: number): SlotTable {
  return {
    live,
    blue: { host: "127.0.0.1", port: blue, release: "sha256:blue" },
    ...(green !== undefined && { green: { host: "127.0.0.1", port: green, release: "sha256:green" } }),
  };
}
