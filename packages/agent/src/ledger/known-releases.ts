import type { Intent, UnitRelease } from "@sluice/core";
import type { Ledger } from "./ledger.ts";

type Releases = Readonly<Record<string, UnitRelease>>;

/** Ledgers and intents are never changed, only replaced; so what was gathered from one holds as long as it is there. */
const gathered = new WeakMap<Ledger, { readonly intent: Intent | undefined; readonly releases: Releases }>();

/** Every release whose content this host knows, by digest. Asked once for every unit, and gathered once for all of them. */
export function knownReleases(ledger: Ledger, intent: Intent | undefined): Releases {
  const before = gathered.get(ledger);
  if (before !== undefined && before.intent === intent) return before.releases;
  const releases = gatherReleases(ledger, intent);
  gathered.set(ledger, { intent, releases });
  return releases;
}

function gatherReleases(ledger: Ledger, intent: Intent | undefined): Releases {
  const activated = Object.values(ledger.activations).flatMap(({ parts }) =>
    parts.flatMap((part) => {
      const before = part.kind === "site" ? part.from?.release : part.from;
      return before === undefined ? [part.release] : [part.release, before];
    }),
  );
  const programs = Object.values({ ...ledger.agentChanges, ...ledger.keeperChanges }).map(({ release }) => release);
  const intended = intent?.body.units.flatMap(({ proven, hold }) => (proven === undefined ? hold : [...hold, proven]));
  const all = [
    ...activated,
    ...programs,
    ...Object.values(ledger.previous).map(({ release }) => release),
    ...Object.values(ledger.proven),
    ...(intended ?? []),
  ];
  return Object.fromEntries(all.map((release) => [release.digest, release]));
}
