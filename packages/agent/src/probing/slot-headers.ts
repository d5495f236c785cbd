import type { ProbedBinding, SiteDuties } from "@sluice/core";
import { forwardedHeaders } from "@sluice/core/proxying/forwarded-headers";
import { parseHostName } from "@sluice/core/proxying/host-name";

/** Probes come from this host itself, as the site proxy would see them. */
const clientAddress = "127.0.0.1";

/** The name that requests carry towards a slot when the site forwards its internal name; what local callers use. */
export function internalName(bindings: readonly ProbedBinding[]): string {
  return bindings.find(({ kind }) => kind === "internal")?.name ?? bindings[0]?.name ?? "localhost";
}

/** What the site proxy makes of a user's headers before a slot sees them: by the proxy's own function. */
export function slotHeaders(
  duties: SiteDuties,
  binding: ProbedBinding,
  user: { readonly host: string; readonly rawHeaders: readonly string[] },
  traceId: string,
): readonly string[] {
  return forwardedHeaders({
    clientAddress,
    proto: binding.tls ? "https" : "http",
    publicHost: parseHostName(user.host) ?? { name: binding.name },
    bindingPort: binding.bindingPort,
    forward: { internalName: internalName(duties.bindings), ...duties.forward },
    traceId,
    rawHeaders: user.rawHeaders,
  });
}
