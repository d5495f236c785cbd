import type { CertificateSeen, FrontSettings, SiteProxySettings, UnitKey } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { readCertificate } from "@sluice/proxy/certificates/certificate-store";
import { certificatesOf } from "@sluice/proxy/certificates/certificates-of";
import { assertInTime } from "@sluice/proxy/certificates/check-certificate";

/** A proxy or front that runs, and the settings that name the files of its certificates. */
export interface CertificateUser {
  readonly unit: UnitKey;
  readonly settings: SiteProxySettings | FrontSettings;
}

/** What lies in the files of one certificate of one unit, as a process that is started now would find it. */
export interface FoundCertificate {
  readonly unit: UnitKey;
  readonly name: string;
  /** Absent: it can't be presented, and `problem` says why. */
  readonly found?: CertificateSeen;
  readonly problem?: string;
}

/** Looks at the files by which these units would be started: the same checks, and nothing is changed by it. */
export function findRenewals(users: readonly CertificateUser[], now: number): readonly FoundCertificate[] {
  return users.flatMap(({ unit, settings }) =>
    certificatesOf(settings).map((use): FoundCertificate => {
      const { name } = use.certificate;
      try {
        const { checked } = readCertificate(use);
        assertInTime(name, checked, now);
        return { unit, name, found: { digest: checked.digest, validUntil: checked.validUntil } };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return { unit, name, problem: error.message };
      }
    }),
  );
}
