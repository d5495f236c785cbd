import type { Intent, UnitRelease } from "@sluice/core";
import type { Ledger } from "./ledger.ts";

/** Every release whose content this host knows, by digest. */
export function knownReleases(ledger: Ledger, intent: Intent | undefined): Readonly<Record<string, UnitRelease>> {
  const activated = Object.values(ledger.activations).flatMap(({ parts }) =>
    parts.flatMap((part) => {
      const before = part.kind === "site" ? part.from?.release : part.from;
      return before === undefined ? [part.release] : [part.release, before];
    }),
  );
  const intended = intent?.body.units.flatMap(({ proven, hold }) => (proven === undefined ? hold : [...hold, proven]));
  const all = [
    ...activated,
    ...Object.values(ledger.previous).map(({ release }) => release),
    ...Object.values(ledger.proven),
    ...(intended ?? []),
  ];
  return Object.fromEntries(all.map((release) => [release.digest, release]));
}
