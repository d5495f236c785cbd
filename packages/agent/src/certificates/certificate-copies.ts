import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CertificatePair, checkCertificate } from "@sluice/proxy/certificates/check-certificate";
import { writeFileDurably } from "@sluice/runtime";
import { digestWords } from "../drift/digest-words.ts";
import { stampOf } from "../drift/file-stamps.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";

/**
 * The host's own copies of certificates and keys, by what they are. A proven proxy that has to be started again is started from
 * them, so that what has become of their files meanwhile changes nothing (promises 1 and 2).
 */
export class CertificateCopies {
  readonly #folder: string;
  /** By digest, of those that were found to be what they are called. */
  readonly #sound = new Map<string, string>();

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

  /**
   * Copies that are not what their names say, and those of `given` that are missing: what a process would come back with after a
   * reboot. They are put back from the folder of a process that was given the same, where there is one.
   */
  async edited(
    given: ReadonlySet<string>,
    pairOf: (digest: string) => Promise<CertificatePair | undefined>,
  ): Promise<readonly FoundDrift[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const stems = names.map((name) => name.replace(/\.(crt|key)$/, "")).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const digests = new Set([...stems.map((name) => `sha256:${name}`), ...given]);
    const found: FoundDrift[] = [];
    for (const digest of digests) found.push(...(await this.#editedCopy(digest, pairOf)));
    for (const digest of this.#sound.keys()) if (!digests.has(digest)) this.#sound.delete(digest);
    return found;
  }

  async #editedCopy(
    digest: string,
    pairOf: (digest: string) => Promise<CertificatePair | undefined>,
  ): Promise<readonly FoundDrift[]> {
    const { certFile, keyFile } = this.#files(digest);
    const stamp = await stampOf([certFile, keyFile]);
    if (this.#sound.get(digest) === stamp) return [];
    if ((await this.read(digest)) !== undefined) {
      this.#sound.set(digest, stamp);
      return [];
    }
    const pair = await pairOf(digest);
    const text = await readFile(certFile, "utf8").catch(() => undefined);
    const words = {
      expected: digestWords(digest),
      found: text === undefined ? digestWords(undefined) : "another pair",
    };
    const drift = { kind: "configuration-edited", about: "host", where: certFile, ...words } as const;
    return [pair === undefined ? drift : { ...drift, heal: () => this.keep(digest, pair) }];
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
