import type { ActivationPart } from "./activation.ts";

/** The part people speak of: the site's release where there is one. */
const mainPart = (parts: readonly ActivationPart[]): ActivationPart | undefined =>
  parts.find((part) => part.kind === "site") ?? parts[0];

/** `shop 2.4.0`, `proxy of shop settings 3f9a12`, `front settings 3f9a12`. */
export function describePart(part: ActivationPart): string {
  if (part.kind === "site") return `${part.site} ${part.release.version}`;
  return `${part.kind === "front" ? "front" : `proxy of ${part.site}`} ${part.release.version}`;
}

export const describeParts = (parts: readonly ActivationPart[]): string => parts.map(describePart).join(" with ");

const versionBefore = (part: ActivationPart | undefined): string | undefined =>
  part?.kind === "site" ? part.from?.release.version : part?.from?.version;

/** What it means for users that nothing was switched. */
export function trafficStays(parts: readonly ActivationPart[]): string {
  const before = versionBefore(mainPart(parts));
  return before === undefined ? "nothing was live here before" : `traffic stays on ${before}`;
}

/** What it means for users that the switch is undone. */
export function trafficGoesBack(parts: readonly ActivationPart[]): string {
  const before = versionBefore(mainPart(parts));
  return before === undefined ? "nothing is live here any more" : `traffic goes back to ${before}`;
}
