import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type TLSSocketOptions } from "node:tls";
import { Problem } from "@sluice/core/problems/problem";

/** A TLS binding: the name clients ask for and the files that prove it. */
export interface CertifiedName {
  readonly name: string;
  readonly certificate: { readonly name: string; readonly certFile: string; readonly keyFile: string };
}

/** How one certificate came out of a reload. */
export interface CertificateReload {
  readonly certificate: string;
  readonly loaded: boolean;
  /** Why it was not, and what is served instead. */
  readonly remark?: string;
  readonly validUntil?: string;
}

interface Loaded {
  readonly context: SecureContext;
  readonly validUntil: string;
}

/**
 * Certificates by the name a client asks for. Opened all or nothing; reloaded one by one: a file that is no good keeps
 * the previous certificate in service.
 */
export class CertificateStore {
  readonly #names: readonly CertifiedName[];
  readonly #loaded = new Map<string, Loaded>();

  private constructor(names: readonly CertifiedName[]) {
    this.#names = names;
  }

  /** Throws `certificate-invalid` for the first certificate that can't be served. */
  static open(names: readonly CertifiedName[], now: number): CertificateStore {
    const store = new CertificateStore(names);
    for (const [name, users] of store.#byCertificate()) store.#loaded.set(name, load(users, now));
    return store;
  }

  reload(now: number): readonly CertificateReload[] {
    return [...this.#byCertificate()].map(([certificate, users]) => {
      try {
        const loaded = load(users, now);
        this.#loaded.set(certificate, loaded);
        return { certificate, loaded: true, validUntil: loaded.validUntil };
      } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error);
        const kept = this.#loaded.get(certificate);
        return {
          certificate,
          loaded: false,
          remark: `${sentence}, keeping the previous one`,
          ...(kept && { validUntil: kept.validUntil }),
        };
      }
    });
  }

  /** Options of a TLS connection from a client: the certificate by its SNI, the first one without. */
  options(): TLSSocketOptions {
    const first = this.#names[0];
    const fallback = first && this.#loaded.get(first.certificate.name)?.context;
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
    return exact && this.#loaded.get(exact.certificate.name)?.context;
  }

  #byCertificate(): Map<string, CertifiedName[]> {
    const groups = new Map<string, CertifiedName[]>();
    for (const entry of this.#names) {
      const users = groups.get(entry.certificate.name) ?? [];
      users.push(entry);
      groups.set(entry.certificate.name, users);
    }
    return groups;
  }
}

/** The certificate that all of `users` name, checked: readable, in its time, for these names, with its own key. */
function load(users: readonly CertifiedName[], now: number): Loaded {
  const first = users[0];
  if (first === undefined) throw new Problem("internal", "a certificate without a user");
  const { name, certFile, keyFile } = first.certificate;
  const cert = read(name, certFile);
  const key = read(name, keyFile);
  const parsed = parse(name, certFile, () => new X509Certificate(cert));
  const privateKey = parse(name, keyFile, () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(privateKey))
    throw invalid(name, `the key in ${keyFile} does not belong to the certificate in ${certFile}`);
  if (now > parsed.validToDate.getTime()) throw invalid(name, `it expired on ${parsed.validToDate.toISOString()}`);
  if (now < parsed.validFromDate.getTime())
    throw invalid(name, `it is not valid before ${parsed.validFromDate.toISOString()}`);
  const uncovered = users.filter((user) => !covers(parsed, user.name)).map((user) => user.name);
  if (uncovered.length > 0) throw invalid(name, `it does not cover ${uncovered.join(", ")}`);
  const context = parse(name, certFile, () => createSecureContext({ cert, key }));
  return { context, validUntil: parsed.validToDate.toISOString() };
}

function covers(certificate: X509Certificate, name: string): boolean {
  const asked = name.startsWith("*.") ? `any${name.slice(1)}` : name;
  return certificate.checkHost(asked) !== undefined;
}

function read(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Problem("certificate-invalid", `cannot read certificate '${name}': ${file} can't be opened`, { cause });
  }
}

function parse<T>(name: string, file: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new Problem("certificate-invalid", `cannot use certificate '${name}': ${file} is not what it should be`, {
      cause,
    });
  }
}

function invalid(name: string, why: string): Problem {
  return new Problem("certificate-invalid", `cannot use certificate '${name}': ${why}`, {
    hint: "replace the files, then reload the certificates",
  });
}
