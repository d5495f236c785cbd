import type { FrontRoute, ProxyBinding } from "@sluice/core/proxying/proxy-settings";

/** How a binding is called in maps and counters: short, and without anything that needs quoting. */
export const bindingKey = (index: number): string => `b${index}`;

/** `<binding port>/<name>` by binding; of a wildcard the key is what the configuration makes of a name below it. */
export function hostsMap(bindings: readonly (ProxyBinding | FrontRoute)[]): string {
  const lines = bindings.map(({ name, bindingPort }, index) => {
    return `${bindingPort}/${name.toLowerCase()} ${bindingKey(index)}\n`;
  });
  return lines.join("");
}
