import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyBinding } from "@sluice/core/proxying/proxy-settings";

/** Certificates in a folder of their own. */
export interface TestCertificates extends AsyncDisposable {
  /** Makes `<file>.crt` and `<file>.key` for a host; the common name is the file's. */
  make(file: string, host: string): void;
  /** Leaves `file` with bytes that are no certificate. */
  spoil(file: string): void;
  /** A TLS binding of `name` that shows the certificate in `file`. */
  binding(name: string, file: string): ProxyBinding;
}

export async function startCertificates(): Promise<TestCertificates> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-conformance-"));
  const pathOf = (file: string, kind: "crt" | "key"): string => join(dir, `${file}.${kind}`);
  return {
    make(file, host) {
      const key = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
      ];
      const files = ["-keyout", pathOf(file, "key"), "-out", pathOf(file, "crt")];
      execFileSync("openssl", [...key, ...files, "-subj", `/CN=${file}`, "-addext", `subjectAltName=DNS:${host}`], {
        stdio: "ignore",
      });
    },
    spoil: (file) => writeFileSync(pathOf(file, "crt"), "this is no certificate"),
    binding: (name, file) => ({
      name,
      kind: "public",
      bindingPort: 443,
      certificate: { name: file, certFile: pathOf(file, "crt"), keyFile: pathOf(file, "key") },
    }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
