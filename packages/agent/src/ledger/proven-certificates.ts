import type { ActivationPart, CertificateSet, ObservedHost, StartedProxy, UnitKey } from "@sluice/core";
import { acceptingProxies, isSuch } from "@sluice/core/activation/observed-host";
import { sameCertificates } from "@sluice/core/proxying/certificate";
import { busyUnits } from "../reconcile/live-units.ts";
import type { Ledger, ProvenCertificates } from "./ledger.ts";

type Certificates = NonNullable<Ledger["certificates"]>;

/** What was confirmed is proven together with its certificates; what was proven until then is kept to go back to. */
export function confirmCertificates(certificates: Certificates, parts: readonly ActivationPart[]): Certificates {
  const confirmed = parts.flatMap((part) => {
    if (part.kind === "site" || part.startedWith === undefined) return [];
    const { unit, release, from, fromCertificates, startedWith } = part;
    const before =
      from === undefined || fromCertificates === undefined
        ? certificates[unit]?.proven
        : { release: from.digest, certificates: fromCertificates };
    return [[unit, withBefore({ release: release.digest, certificates: startedWith }, before)] as const];
  });
  return { ...certificates, ...Object.fromEntries(confirmed) };
}

/**
 * Certificates of proven releases of which it is not known yet, by the word of the processes that run them, and none of units
 * that are not proven any more. What a process presents that runs without any grant is what it was started with as proven.
 */
export function settleCertificates(ledger: Ledger, host: ObservedHost): Certificates {
  const busy = busyUnits(ledger);
  const kept = Object.entries(ledger.certificates ?? {}).filter(([unit]) => ledger.proven[unit] !== undefined);
  const known = Object.fromEntries(kept);
  for (const [unit, { digest }] of Object.entries(ledger.proven)) {
    if (busy.has(unit as UnitKey)) continue;
    const running = acceptingProxies(host, unit as UnitKey).at(-1);
    if (running?.certificates === undefined || running.digest !== digest) continue;
    const had = known[unit];
    if (had !== undefined && had.proven.release === digest && isSuch(running, digest, had.proven.certificates))
      continue;
    known[unit] = withBefore({ release: digest, certificates: running.certificates }, had?.before);
  }
  return known;
}

/** A host that presents none has none in its ledger. */
export function withCertificates({ certificates: _, ...ledger }: Ledger, certificates: Certificates): Ledger {
  return Object.keys(certificates).length === 0 ? ledger : { ...ledger, certificates };
}

/** What a proxy or front that is proven is started with; undefined: nothing is known, and its files are what there is. */
export function provenCertificates(ledger: Ledger, unit: string): CertificateSet | undefined {
  const known = ledger.certificates?.[unit]?.proven;
  return known !== undefined && known.release === ledger.proven[unit]?.digest ? known.certificates : undefined;
}

/** The same of all of them, by unit. */
export function certificatesOfProven(ledger: Ledger): Readonly<Record<string, CertificateSet>> {
  const known = Object.keys(ledger.certificates ?? {}).flatMap((unit) => {
    const certificates = provenCertificates(ledger, unit);
    return certificates === undefined ? [] : [[unit, certificates] as const];
  });
  return Object.fromEntries(known);
}

/** Digests of all that may still have to be started with. */
export function certificatesInUse(ledger: Ledger): readonly string[] {
  const sets = [
    ...Object.values(ledger.certificates ?? {}).flatMap(({ proven, before }) => [
      proven.certificates,
      before?.certificates,
    ]),
    ...Object.values(ledger.activations).flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === "site" ? [] : [part.startWith, part.startedWith, part.fromCertificates])),
    ),
  ];
  return [...new Set(sets.flatMap((set) => Object.values(set ?? {}).map(({ digest }) => digest)))].toSorted();
}

function withBefore(proven: StartedProxy, before: StartedProxy | undefined): ProvenCertificates {
  if (before === undefined) return { proven };
  const isSame = before.release === proven.release && sameCertificates(before.certificates, proven.certificates);
  return isSame ? { proven } : { proven, before };
}
