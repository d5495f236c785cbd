import type { Instant } from "../units/time.ts";

/** A certificate by what it is, wherever it lies. */
export interface CertificateSeen {
  /** sha256 over the DER of the certificate and of those that vouch for it, in the order of the file. */
  readonly digest: string;
  readonly validUntil: Instant;
}

/** The certificates of one proxy process, by their names in the fleet file. */
export type CertificateSet = Readonly<Record<string, CertificateSeen>>;

/** True when clients of both are shown the same. Absent: nothing is known, and that is no difference. */
export function sameCertificates(a: CertificateSet | undefined, b: CertificateSet | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name]?.digest === b[name]?.digest);
}
