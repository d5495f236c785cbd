import { expect, test } from "vitest";
import { defaultProxyLimits, type SiteProxySettings } from "../proxying/proxy-settings.ts";
import { durationMs } from "../units/time.ts";
import { dutiesUnder } from "./duties-under.ts";
import type { ProbedBinding, SiteDuties } from "./intent.ts";

const binding = (name: string, bindingPort = 80): ProbedBinding => ({
  name,
  kind: "internal",
  bindingPort,
  address: "127.0.0.1",
  port: 8080,
  tls: false,
  shared: false,
});

const duties: SiteDuties = {
  site: "shop",
  forward: { host: "preserve" },
  drainMs: durationMs(0),
  keepPreviousMs: durationMs(0),
  probeEveryMs: durationMs(1000),
  probeToken: "token",
  probes: [],
  bindings: [binding("shop.internal"), binding("new.shop.internal"), binding("shop.internal", 8443)],
};

const settings: SiteProxySettings = {
  site: "shop",
  engine: "node",
  listeners: [],
  behindFront: false,
  bindings: [{ name: "shop.internal", kind: "internal", bindingPort: 80 }],
  forward: { host: "internal", internalName: "shop.internal" },
  limits: defaultProxyLimits,
};

test("a site is asked with the headers of the proxy that speaks for it, not with those the fleet wants next", () => {
  expect(dutiesUnder(duties, settings).forward).toEqual({ host: "internal", internalName: "shop.internal" });
});

test("a binding that the proxy does not know yet is not asked", () => {
  expect(dutiesUnder(duties, settings).bindings).toEqual([binding("shop.internal")]);
});
