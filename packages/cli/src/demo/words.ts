/** `switched in 3.1ms on at-1, 2.8ms on web-1` */
export function formatSwitches(switchMs: Readonly<Record<string, number>>): string {
  const parts = Object.entries(switchMs).map(([host, ms]) => `${ms.toFixed(1)}ms on ${host}`);
  return parts.length === 0 ? "no host was switched" : `switched in ${parts.join(", ")}`;
}
