/** `::ffff:192.0.2.1` is how a dual-stack listener writes an IPv4 client; nobody behind us should have to know. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
