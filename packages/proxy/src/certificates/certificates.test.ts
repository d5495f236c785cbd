import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSlot } from "../testing/start-slot.ts";
import { startTestSite } from "../testing/start-test-site.ts";
import { CertificateStore, readCertificate } from "./certificate-store.ts";
import { assertInTime } from "./check-certificate.ts";

let dir = "";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-certificates-"));
  make("app", "app.test");
  make("renewed", "app.test");
  make("wild", "*.wild.test");
  make("other", "other.test");
});

afterAll(() => rm(dir, { recursive: true, force: true }));

function make(name: string, host: string): void {
  const key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
  const files = ["-keyout", join(dir, `${name}.key`), "-out", join(dir, `${name}.crt`)];
  execFileSync("openssl", [...key, ...files, "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${host}`], {
    stdio: "ignore",
  });
}

const certified = (name: string, certificate: string) => ({
  name,
  kind: "public" as const,
  bindingPort: 80,
  certificate: {
    name: certificate,
    certFile: join(dir, `${certificate}.crt`),
    keyFile: join(dir, `${certificate}.key`),
  },
});

/** The common name of the certificate a client is shown for a host, and the answer it gets. */
function askSecurely(
  port: number,
  host: string,
): Promise<{ readonly shown: string; readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = {
      host: "127.0.0.1",
      port,
      servername: host,
      headers: { Host: host },
      agent: false,
      rejectUnauthorized: false,
    } as const;
    const req = request(asked, (res) => {
      const shown = String((res.socket as TLSSocket).getPeerCertificate().subject?.CN);
      let body = "";
      res.on("data", (data) => {
        body += data;
      });
      res.on("end", () => resolve({ shown, status: res.statusCode ?? 0, body }));
    });
    req.on("error", reject).end();
  });
}

test("each name is shown its own certificate, and the slot is told https", async () => {
  await using slot = await startSlot((req, res) => res.end(req.headers["x-forwarded-proto"]));
  const bindings = [certified("app.test", "app"), certified("*.wild.test", "wild"), certified("other.test", "other")];
  await using site = await startTestSite({ blue: slot.port, tls: true, bindings });
  expect(await askSecurely(site.port, "app.test")).toEqual({ shown: "app", status: 200, body: "https" });
  expect(await askSecurely(site.port, "x.wild.test")).toMatchObject({ shown: "wild", status: 200 });
  expect(await askSecurely(site.port, "other.test")).toMatchObject({ shown: "other", status: 200 });
  expect(await askSecurely(site.port, "unknown.test")).toMatchObject({ shown: "app", status: 421 });
});

test("what happens to the files of a certificate afterwards changes nothing that clients are shown", async () => {
  copyFileSync(join(dir, "app.crt"), join(dir, "live.crt"));
  copyFileSync(join(dir, "app.key"), join(dir, "live.key"));
  await using slot = await startSlot((_, res) => res.end());
  await using site = await startTestSite({ blue: slot.port, tls: true, bindings: [certified("app.test", "live")] });
  copyFileSync(join(dir, "renewed.crt"), join(dir, "live.crt"));
  expect((await askSecurely(site.port, "app.test")).shown).toBe("app");
});

const day = 86_400_000;

test("a certificate is refused when it is missing, for another name, not whole or not with its key", () => {
  const open = (name: string, certificate: string) => () => CertificateStore.open([certified(name, certificate)]);
  expect(open("app.test", "missing")).toThrow(/cannot read certificate 'missing'/);
  expect(open("app.test", "other")).toThrow(/it does not cover app\.test/);
  const crossed = {
    name: "app.test",
    certificate: { name: "crossed", certFile: join(dir, "app.crt"), keyFile: join(dir, "other.key") },
  };
  expect(() => CertificateStore.open([crossed])).toThrow(/does not belong to the certificate/);
  copyFileSync(join(dir, "app.key"), join(dir, "cut.key"));
  for (const text of ["", readFileSync(join(dir, "app.crt"), "utf8").slice(0, 200)]) {
    writeFileSync(join(dir, "cut.crt"), text);
    expect(open("app.test", "cut")).toThrow(/cannot use certificate 'cut': .*cut\.crt/);
  }
});

test("a chain that was written in half is refused, although its first certificate is whole", () => {
  const [app, other] = ["app", "other"].map((name) => readFileSync(join(dir, `${name}.crt`), "utf8"));
  copyFileSync(join(dir, "app.key"), join(dir, "chain.key"));
  const digestOf = (text: string): string => {
    writeFileSync(join(dir, "chain.crt"), text);
    return readCertificate({ certificate: certified("app.test", "chain").certificate, hostNames: ["app.test"] }).checked
      .digest;
  };
  expect(() => digestOf(`${app}${other?.slice(0, 300)}`)).toThrow(/chain\.crt is not what it should be/);
  expect(digestOf(`${app}${other}`), "who vouches for it is shown as well").not.toBe(digestOf(`${app}`));
  const printed = execFileSync("openssl", ["x509", "-in", join(dir, "app.crt"), "-noout", "-fingerprint", "-sha256"]);
  const fingerprint = String(printed).split("=")[1]?.trim().replaceAll(":", "").toLowerCase();
  expect(digestOf(`${app}`)).toBe(`sha256:${fingerprint}`);
});

test("whether a certificate is in its time is a question of its own", () => {
  const { checked } = readCertificate({
    certificate: certified("app.test", "app").certificate,
    hostNames: ["app.test"],
  });
  expect(() => assertInTime("app", checked, Date.now())).not.toThrow();
  expect(() => assertInTime("app", checked, Date.now() + 31 * day)).toThrow(
    /cannot use certificate 'app': it expired on/,
  );
  expect(() => assertInTime("app", checked, Date.now() - 2 * day)).toThrow(/it is not valid before/);
});

test("a client that does not speak TLS on a TLS port harms nobody", async () => {
  await using slot = await startSlot((_, res) => res.end("fine"));
  await using site = await startTestSite({ blue: slot.port, tls: true, bindings: [certified("app.test", "app")] });
  const { sendRaw } = await import("../testing/ask.ts");
  expect(await sendRaw(site.port, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")).not.toMatch(/^HTTP/);
  expect(await askSecurely(site.port, "app.test")).toMatchObject({ body: "fine" });
});
