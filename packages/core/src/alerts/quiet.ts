import type { Mute } from "../gates/gate.ts";
import type { Instant } from "../units/time.ts";
import type { Alert, AlertName } from "./alert.ts";

/** What a blind coordinator says of everything at once is not said again of each host. */
const underBlindness: readonly AlertName[] = ["SluiceHostSilent"];

/** Why nobody is told of an alert at this moment; undefined: they are. `firing`: the names of all alerts. */
export function quietBy(
  alert: Alert,
  mutes: readonly Mute[],
  firing: ReadonlySet<AlertName>,
  now: Instant,
): string | undefined {
  const mute = mutes.find((one) => isMutedBy(alert, one, now));
  if (mute !== undefined) return `muted by '${mute.name}' (${mute.owner}): ${mute.reason}`;
  return firing.has("SluiceCoordinatorBlind") && underBlindness.includes(alert.name)
    ? "the coordinator is blind, which says it of all hosts"
    : undefined;
}

/** A mute of some sites silences what concerns nothing else. A test page is asked for by somebody who wants to hear it. */
function isMutedBy({ name, labels }: Alert, { sites, from, to }: Mute, now: Instant): boolean {
  if (name === "SluiceTestPage" || now < from || now >= to) return false;
  if (sites.length === 0) return true;
  const about = labels.site?.split(",") ?? [];
  return about.length > 0 && about.every((site) => sites.includes(site));
}
