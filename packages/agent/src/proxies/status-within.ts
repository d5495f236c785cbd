import { durationMs, formatDuration, Problem } from "@sluice/core";
import type { ProxyControl } from "@sluice/proxy/control/control-client";
import type { ProxyStatus } from "@sluice/proxy/control/control-messages";

/** A proxy's status when it answers within `withinMs`; one that hangs is `proxy-unreachable`. */
export async function statusWithin(control: Pick<ProxyControl, "status">, withinMs: number): Promise<ProxyStatus> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const words = formatDuration(durationMs(withinMs));
    late.reject(new Problem("proxy-unreachable", `the proxy did not say how it is within ${words}`));
  }, withinMs);
  try {
    return await Promise.race([control.status(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
