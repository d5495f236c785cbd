import type { FrontRoute, ProxyBinding, ProxyListener } from "@sluice/core/proxying/proxy-settings";
import { countBase, countBaseWithPort } from "./count-keys.ts";

/**
 * `<Host>/<binding port>` by binding, to the base that it is counted by. What clients usually send is there as they send it: the
 * name, alone and with the port they connected to. Of a wildcard the key is what the configuration makes of a name below it.
 */
export function hostsMap(
  bindings: readonly (ProxyBinding | FrontRoute)[],
  listeners: readonly ProxyListener[],
): string {
  const lines = bindings.flatMap(({ name, bindingPort }, index) => {
    const host = name.toLowerCase();
    const connected = listeners.filter((listener) => listener.bindingPort === bindingPort).map(({ port }) => port);
    const ported = isPlainName(host) ? [...new Set([bindingPort, ...connected])] : [];
    return [
      `${host}/${bindingPort} ${countBase(index)}\n`,
      ...ported.map((port) => `${host}:${port}/${bindingPort} ${countBaseWithPort(index)}\n`),
    ];
  });
  return lines.join("");
}

/** Neither a wildcard nor an IPv6 address: what `Forwarded` takes without quotes. */
const isPlainName = (host: string): boolean => !/[*:[]/.test(host);
