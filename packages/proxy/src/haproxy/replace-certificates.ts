import { Problem } from "@sluice/core/problems/problem";
import { writeFileDurably } from "@sluice/runtime/files/durable-file";
import type { CertificateReload } from "../certificates/certificate-store.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";
import { readCertificate } from "./certificates.ts";
import { askWorker, readProcesses } from "./master-cli.ts";
import type { ProcessFiles } from "./process-files.ts";
import { type Certified, certifiedNames } from "./render-haproxy.ts";
import { cliWord } from "./switch-slots.ts";

/** Reads certificate files again and puts them in force without a reload; one that is no good keeps the previous one. */
export async function replaceCertificates(
  files: ProcessFiles,
  process: ProxyProcess,
): Promise<readonly CertificateReload[]> {
  const reloads: CertificateReload[] = [];
  for (const certified of certifiedNames(process)) reloads.push(await replaceOne(files, certified));
  return reloads;
}

async function replaceOne(files: ProcessFiles, certified: Certified): Promise<CertificateReload> {
  const { name } = certified.certificate;
  try {
    const { pem, validUntil } = await readCertificate(certified, Date.now());
    const path = files.certificate(name);
    const { workers } = await readProcesses(files.masterSocket);
    for (const { pid } of workers) await commit(files.masterSocket, pid, path, pem);
    await writeFileDurably(path, pem);
    return { certificate: name, loaded: true, ...(validUntil === undefined ? {} : { validUntil }) };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { certificate: name, loaded: false, remark: `${sentence}, keeping the previous one` };
  }
}

async function commit(masterSocket: string, pid: number, path: string, pem: string): Promise<void> {
  const payload = pem.replaceAll(/\n+/g, "\n");
  const given = await askWorker(masterSocket, pid, `set ssl cert ${cliWord(path)} <<\n${payload}`);
  const committed = await askWorker(masterSocket, pid, `commit ssl cert ${cliWord(path)}`);
  if (committed.includes("Success!")) return;
  await askWorker(masterSocket, pid, `abort ssl cert ${cliWord(path)}`);
  throw new Problem("certificate-invalid", `haproxy says: ${`${given} ${committed}`.replaceAll(/\s+/g, " ").trim()}`);
}
