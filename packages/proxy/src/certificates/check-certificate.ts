import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { Problem } from "@sluice/core/problems/problem";
import type { CertificateSeen } from "@sluice/core/proxying/certificate";
import { instant } from "@sluice/core/units/time";

/** A certificate as settings name it: where its files are. */
export interface CertificateFiles {
  readonly name: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the two files say: PEM, the certificate first in its file, those that vouch for it after it. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export interface CheckedCertificate extends CertificateSeen {
  readonly validFrom: CertificateSeen["validUntil"];
}

/**
 * Checks that a pair can be served under these host names: a certificate, with its own key, for all of them. Whether it is
 * in its time is another question (`assertInTime`). Throws `certificate-invalid` with the file and what is wrong with it.
 */
export function checkCertificate(
  { name, certFile, keyFile }: CertificateFiles,
  { cert, key }: CertificatePair,
  hostNames: readonly string[],
): CheckedCertificate {
  const chain = parse(name, certFile, () => parseChain(cert));
  const [leaf] = chain;
  if (leaf === undefined) throw unusable(name, `${certFile} has no certificate in it`);
  const privateKey = parse(name, keyFile, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw unusable(name, `the key in ${keyFile} does not belong to the certificate in ${certFile}`);
  }
  const uncovered = hostNames.filter((host) => !covers(leaf, host));
  if (uncovered.length > 0) throw unusable(name, `it does not cover ${uncovered.join(", ")}`);
  return {
    digest: digestOf(chain),
    validFrom: instant(leaf.validFromDate.getTime()),
    validUntil: instant(leaf.validToDate.getTime()),
  };
}

/** Throws `certificate-invalid` when clients would refuse it at this moment for its age. */
export function assertInTime(name: string, { validFrom, validUntil }: CheckedCertificate, now: number): void {
  if (now > validUntil) throw unusable(name, `it expired on ${new Date(validUntil).toISOString()}`);
  if (now < validFrom) throw unusable(name, `it is not valid before ${new Date(validFrom).toISOString()}`);
}

/** As clients are shown it, with everything that vouches for it: of a single certificate what OpenSSL calls its SHA-256 fingerprint. */
function digestOf(chain: readonly X509Certificate[]): string {
  const hash = createHash("sha256");
  for (const { raw } of chain) hash.update(raw);
  return `sha256:${hash.digest("hex")}`;
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** A file that begins as a certificate and does not end as one was being written. */
function parseChain(text: string): readonly X509Certificate[] {
  const blocks = text.match(pemCertificate) ?? [];
  const begun = text.split("-----BEGIN CERTIFICATE-----").length - 1;
  if (begun !== blocks.length) throw new Error(`${begun - blocks.length} of its certificates are not whole`);
  return blocks.map((block) => new X509Certificate(block));
}

function covers(certificate: X509Certificate, name: string): boolean {
  const asked = name.startsWith("*.") ? `any${name.slice(1)}` : name;
  return certificate.checkHost(asked) !== undefined;
}

function parse<T>(name: string, file: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw unusable(name, `${file} is not what it should be`, cause);
  }
}

function unusable(name: string, why: string, cause?: unknown): Problem {
  return new Problem("certificate-invalid", `cannot use certificate '${name}': ${why}`, {
    hint: "put a certificate and its key that can be used in these files, both of them",
    ...(cause === undefined ? {} : { cause }),
  });
}
