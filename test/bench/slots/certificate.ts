import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { BenchWorld } from "../bench-world.ts";
import { toolPath } from "../tools/required-tools.ts";

/** A certificate of `localhost` that nobody vouches for, in the forms that proxies want. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificate and key in one file, for HAProxy. */
  readonly pemFile: string;
}

export async function makeCertificate({ dir, tools }: BenchWorld): Promise<Certificate> {
  const folder = join(dir, "tls");
  await mkdir(folder, { recursive: true });
  const [certFile, keyFile, pemFile] = ["site.crt", "site.key", "site.pem"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  await execa(toolPath(tools, "openssl"), ["req", "-x509", ...key, "-out", certFile, ...subject]);
  await writeFile(pemFile, `${await readFile(certFile, "utf8")}${await readFile(keyFile, "utf8")}`);
  return { certFile, keyFile, pemFile };
}
