import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CertificatePair, checkCertificate } from "@sluice/proxy/certificates/check-certificate";
import { writeFileDurably } from "@sluice/runtime";

/**
 * The host's own copies of certificates and keys, by what they are. A proven proxy that has to be started again is started from
 * them, so that what has become of their files meanwhile changes nothing (promises 1 and 2).
 */
export class CertificateCopies {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "agent", "certificates");
  }

  /** Durable when it resolves. The certificate is written last: without it there is no copy. */
  async keep(digest: string, { cert, key }: CertificatePair): Promise<void> {
    if ((await this.read(digest)) !== undefined) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { certFile, keyFile } = this.#files(digest);
    await writeFileDurably(keyFile, key);
    await writeFileDurably(certFile, cert);
  }

  /** Undefined when there is no copy, or one that is not what its name says. */
  async read(digest: string): Promise<CertificatePair | undefined> {
    const { certFile, keyFile } = this.#files(digest);
    try {
      const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
      const found = checkCertificate({ name: digest, certFile, keyFile }, { cert, key }, []);
      return found.digest === digest ? { cert, key } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Removes all others. */
  async prune(keep: ReadonlySet<string>): Promise<void> {
    const kept = new Set([...keep].map(stem));
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!kept.has(name.replace(/\.(crt|key)$/, ""))) await rm(join(this.#folder, name), { force: true });
    }
  }

  #files(digest: string): { readonly certFile: string; readonly keyFile: string } {
    const path = join(this.#folder, stem(digest));
    return { certFile: `${path}.crt`, keyFile: `${path}.key` };
  }
}

/** The name of a copy's files, without their endings. */
const stem = (digest: string): string => digest.replace(/^sha256:/, "");
