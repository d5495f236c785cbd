import type { WatchedCertificate } from "@sluice/agent/certificates/start-renewal-watch";
import { type CertificateSeen, type CertificateSet, type Instant, instant, type UnitKey } from "@sluice/core";
import { certificateName } from "./simulated-fleet.ts";

/** What clients make of the certificate of a pair that somebody put on the disks of hosts. */
export type PairBehaviour =
  | "good"
  /** Nobody trusts it. */
  | "untrusted"
  /** Clients of the host itself do, the edge does not. */
  | "untrusted-by-edge";

export const badPairs: readonly PairBehaviour[] = ["untrusted", "untrusted", "untrusted-by-edge"];

/** The pair that every host has in the beginning. */
export const firstPair = "pair-0";

const sets = new Map<string, CertificateSet>();

/** The certificates of a process that was started while this pair lay in the files. */
export function certificatesWith(pair: string): CertificateSet {
  const known = sets.get(pair);
  if (known !== undefined) return known;
  const validUntil = instant(Date.UTC(2100 + Number(pair.split("-")[1]), 0));
  const seen: CertificateSeen = { digest: pair, validUntil };
  const set = { [certificateName]: seen };
  sets.set(pair, set);
  return set;
}

/** What a look at the files finds for a unit, against what it presents. */
export const foundFor = (unit: UnitKey, files: CertificateSet, since: Instant): readonly WatchedCertificate[] =>
  Object.entries(files).map(([name, found]) => ({ unit, name, found, since }));

/** The pair that a process presents; undefined where nothing presents any. */
export const pairOf = (process: { readonly certificates?: CertificateSet } | undefined): string | undefined =>
  process?.certificates?.[certificateName]?.digest;
