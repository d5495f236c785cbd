import { readFile } from "node:fs/promises";
import { CertificateStore } from "../certificates/certificate-store.ts";
import type { Certified } from "./render-haproxy.ts";

/** Checked as the embedded engine checks: readable, in its time, for its names, with its own key. Throws `certificate-invalid`. */
export async function readCertificate(
  { certificate, names }: Certified,
  now: number,
): Promise<{ readonly pem: string; readonly validUntil: string | undefined }> {
  const store = CertificateStore.open(
    names.map((name) => ({ name, certificate })),
    now,
  );
  const [read] = store.reload(now);
  const [cert, key] = await Promise.all([
    readFile(certificate.certFile, "utf8"),
    readFile(certificate.keyFile, "utf8"),
  ]);
  return { pem: `${cert.trim()}\n${key.trim()}\n`, validUntil: read?.validUntil };
}
