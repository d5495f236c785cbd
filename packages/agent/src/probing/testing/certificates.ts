import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority nobody knows, in a folder of its own. */
export interface Authority extends AsyncDisposable {
  readonly caFile: string;
  issue(name: string): Promise<Pair>;
  selfSigned(name: string): Promise<Pair>;
}

export async function createAuthority(): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-ca-"));
  const openssl = (...args: readonly string[]) => run("openssl", args, { cwd: dir });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=test authority",
  );
  let count = 0;
  const newId = (kind: string): string => {
    count += 1;
    return `${kind}-${count}`;
  };
  const pair = async (id: string): Promise<Pair> => {
    const [certFile, keyFile] = [join(dir, `${id}.pem`), join(dir, `${id}.key`)];
    return { certFile, keyFile, cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
  };
  return {
    caFile: join(dir, "ca.pem"),
    async issue(name) {
      const id = newId("issued");
      await writeFile(join(dir, `${id}.ext`), `subjectAltName=DNS:${name}\n`);
      await openssl("req", ...newKey, "-keyout", `${id}.key`, "-out", `${id}.csr`, "-subj", `/CN=${name}`);
      await openssl(
        "x509",
        "-req",
        "-in",
        `${id}.csr`,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        `${id}.ext`,
        "-out",
        `${id}.pem`,
      );
      return pair(id);
    },
    async selfSigned(name) {
      const id = newId("self");
      await openssl(
        "req",
        "-x509",
        ...newKey,
        "-keyout",
        `${id}.key`,
        "-out",
        `${id}.pem`,
        "-days",
        "30",
        "-subj",
        `/CN=${name}`,
        "-addext",
        `subjectAltName=DNS:${name}`,
      );
      return pair(id);
    },
    async [Symbol.asyncDispose]() {
      await rm(dir, { recursive: true, force: true });
    },
  };
}
