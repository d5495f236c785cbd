import type { CertificateObservation, ObservedHost, UnitKey } from "@sluice/core";
import { acceptingProxies } from "@sluice/core/activation/observed-host";
import type { WatchedCertificate } from "../certificates/start-renewal-watch.ts";

/** What a proxy or front presents by what it was started with, against what lies in the files by the newest look. */
export function observeCertificates(
  seen: ObservedHost,
  unit: UnitKey,
  found: readonly WatchedCertificate[],
): readonly CertificateObservation[] {
  const presented = acceptingProxies(seen, unit).at(-1)?.certificates ?? {};
  return Object.entries(presented).map(([name, running]): CertificateObservation => {
    const file = found.find((one) => one.unit === unit && one.name === name);
    if (file?.problem !== undefined) return { name, running, problem: file.problem, since: file.since };
    if (file?.found === undefined || file.found.digest === running.digest) return { name, running };
    return { name, running, onDisk: file.found, since: file.since };
  });
}
