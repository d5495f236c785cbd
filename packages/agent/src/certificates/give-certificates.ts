import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateSeen, CertificateSet } from "@sluice/core";
import { certificateSetSchema } from "@sluice/core/proxying/certificate-schema";
import { type CertificateUse, readCertificate } from "@sluice/proxy/certificates/certificate-store";
import { certificatesOf } from "@sluice/proxy/certificates/certificates-of";
import { assertInTime, type CertificatePair, checkCertificate } from "@sluice/proxy/certificates/check-certificate";
import type { ProxyProcess } from "@sluice/proxy/settings/process-settings";
import { type Clock, readDocument, writeFileDurably } from "@sluice/runtime";
import { z } from "zod";
import type { CertificateCopies } from "./certificate-copies.ts";

/** What a proxy process was started with; its folder says so until it is gone. */
export interface GivenCertificates {
  readonly certificates: CertificateSet;
  /** What could not be had as it was wanted, in sentences. */
  readonly remarks: readonly string[];
}

/** The shape of {@link GivenCertificates}. */
export const givenSchema: z.ZodType<GivenCertificates> = z.strictObject({
  certificates: certificateSetSchema,
  remarks: z.array(z.string()),
});

export interface GiveOptions {
  readonly copies: CertificateCopies;
  readonly clock: Clock;
  /** Copies to start with; what is not among them is taken from its files. */
  readonly wanted?: CertificateSet | undefined;
}

/**
 * Puts the certificates of a process into its own folder and answers with settings that name them there: whatever starts it
 * again, it presents what it was started with first. Taken from their files, they have to be a pair that clients accept at this
 * moment under every name; throws `certificate-invalid` otherwise, and nothing can be started in the folder.
 */
export async function giveCertificates<Process extends ProxyProcess>(
  folder: string,
  process: Process,
  options: GiveOptions,
): Promise<Process> {
  const uses = certificatesOf(process.settings);
  if (uses.length === 0) return process;
  const given = new Map<string, CertificateSeen>();
  const remarks: string[] = [];
  for (const use of uses) {
    const taken = await take(use, options);
    if (taken.remark !== undefined) remarks.push(taken.remark);
    await options.copies.keep(taken.seen.digest, taken.pair);
    const { certFile, keyFile } = givenFiles(folder, use.certificate.name);
    await writeFileDurably(keyFile, taken.pair.key);
    await writeFileDurably(certFile, taken.pair.cert);
    given.set(use.certificate.name, taken.seen);
  }
  const said: GivenCertificates = { certificates: Object.fromEntries(given), remarks };
  await writeFileDurably(manifestOf(folder), manifestText(said));
  return renamed(folder, process);
}

/** What `giveCertificates` put into this folder; undefined when it has none. */
export async function readGiven(folder: string): Promise<GivenCertificates | undefined> {
  const read = await readDocument(manifestOf(folder), givenSchema);
  return read.kind === "ok" ? read.document : undefined;
}

/** Certificate and key of a process, if what lies in its folder is the pair with this digest. */
export async function readGivenPair(
  folder: string,
  name: string,
  digest: string,
): Promise<CertificatePair | undefined> {
  const files = givenFiles(folder, name);
  try {
    const [cert, key] = await Promise.all([readFile(files.certFile, "utf8"), readFile(files.keyFile, "utf8")]);
    return checkCertificate({ name, ...files }, { cert, key }, []).digest === digest ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

interface Taken {
  readonly pair: CertificatePair;
  readonly seen: CertificateSeen;
  readonly remark?: string;
}

async function take(use: CertificateUse, { copies, clock, wanted }: GiveOptions): Promise<Taken> {
  const { certificate, hostNames } = use;
  const pinned = wanted?.[certificate.name];
  const copy = pinned === undefined ? undefined : await copies.read(pinned.digest);
  if (copy !== undefined) {
    const { digest, validUntil } = checkCertificate(certificate, copy, hostNames);
    return { pair: copy, seen: { digest, validUntil } };
  }
  const { pair, checked } = readCertificate(use);
  const { digest, validUntil } = checked;
  if (pinned?.digest === digest) return { pair, seen: pinned };
  assertInTime(certificate.name, checked, clock.now());
  const seen = { digest, validUntil };
  if (pinned === undefined) return { pair, seen };
  const remark = `the copy of certificate '${certificate.name}' that was proven here is lost; started with what lies at ${certificate.certFile}`;
  return { pair, seen, remark };
}

/** The same settings, with the files of certificates where they were put. */
function renamed<Process extends ProxyProcess>(folder: string, process: Process): Process {
  const rename = <Binding extends { readonly certificate?: { readonly name: string } }>(binding: Binding): Binding =>
    binding.certificate === undefined
      ? binding
      : {
          ...binding,
          certificate: { name: binding.certificate.name, ...givenFiles(folder, binding.certificate.name) },
        };
  const { settings } = process;
  const own =
    "routes" in settings ? { routes: settings.routes.map(rename) } : { bindings: settings.bindings.map(rename) };
  return { ...process, settings: { ...settings, ...own } };
}

/** Where certificate and key of this name are in the folder of a process. */
export function givenFiles(folder: string, name: string): { readonly certFile: string; readonly keyFile: string } {
  const path = join(folder, `certificate-${encodeURIComponent(name)}`);
  return { certFile: `${path}.crt`, keyFile: `${path}.key` };
}

/** The text of the file that says what a process was given. */
export const manifestText = (given: GivenCertificates): string => `${JSON.stringify(given)}\n`;

/** That file. */
export const manifestOf = (folder: string): string => join(folder, "certificates.json");
