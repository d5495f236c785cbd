import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type TLSSocketOptions } from "node:tls";
import { Problem } from "@sluice/core/problems/problem";
import {
  type CertificateFiles,
  type CertificatePair,
  type CheckedCertificate,
  checkCertificate,
} from "./check-certificate.ts";

/** A TLS binding: the name clients ask for and the files that prove it. */
export interface CertifiedName {
  readonly name: string;
  readonly certificate: CertificateFiles;
}

/**
 * Certificates by the name a client asks for, as they were when it was opened: nothing that happens to their files afterwards
 * changes what clients are shown.
 */
export class CertificateStore {
  readonly #names: readonly CertifiedName[];
  readonly #contexts = new Map<string, SecureContext>();

  private constructor(names: readonly CertifiedName[]) {
    this.#names = names;
  }

  /**
   * Throws `certificate-invalid` for the first certificate that can't be served. One that has expired can: clients judge that
   * by themselves, and whoever is served in clear text or under another certificate has nothing to do with it.
   */
  static open(names: readonly CertifiedName[]): CertificateStore {
    const store = new CertificateStore(names);
    for (const use of byCertificate(names)) {
      const { pair } = readCertificate(use);
      store.#contexts.set(use.certificate.name, contextOf(use.certificate, pair));
    }
    return store;
  }

  /** Options of a TLS connection from a client: the certificate by its SNI, the first one without. */
  options(): TLSSocketOptions {
    const first = this.#names[0];
    const fallback = first && this.#contexts.get(first.certificate.name);
    return {
      ...(fallback && { secureContext: fallback }),
      ALPNProtocols: ["http/1.1"],
      SNICallback: (name, answer) => answer(null, this.#contextOf(name.toLowerCase()) ?? fallback),
    };
  }

  /** An exact name first, then the wildcard one label up. */
  #contextOf(name: string): SecureContext | undefined {
    const wildcard = `*${name.slice(name.indexOf("."))}`;
    const exact =
      this.#names.find((entry) => entry.name === name) ?? this.#names.find((entry) => entry.name === wildcard);
    return exact && this.#contexts.get(exact.certificate.name);
  }
}

/** A certificate with all host names that use it. */
export interface CertificateUse {
  readonly certificate: CertificateFiles;
  readonly hostNames: readonly string[];
}

/** Each certificate once, in the order of the names. */
export function byCertificate(names: readonly CertifiedName[]): readonly CertificateUse[] {
  const groups = Map.groupBy(names, ({ certificate }) => certificate.name);
  return [...groups.values()].flatMap((users) => {
    const [first] = users;
    return first === undefined ? [] : [{ certificate: first.certificate, hostNames: users.map(({ name }) => name) }];
  });
}

/** The files of a certificate as they are now, checked as a pair. Throws `certificate-invalid`. */
export function readCertificate({ certificate, hostNames }: CertificateUse): {
  readonly pair: CertificatePair;
  readonly checked: CheckedCertificate;
} {
  const { name, certFile, keyFile } = certificate;
  const pair = { cert: read(name, certFile), key: read(name, keyFile) };
  return { pair, checked: checkCertificate(certificate, pair, hostNames) };
}

function contextOf({ name, certFile }: CertificateFiles, pair: CertificatePair): SecureContext {
  try {
    return createSecureContext(pair);
  } catch (cause) {
    throw new Problem("certificate-invalid", `cannot use certificate '${name}': ${certFile} can't be served`, {
      cause,
    });
  }
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("certificate-invalid", `cannot read certificate '${name}': ${file} can't be opened`, { cause });
  }
}
