import { X509Certificate } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, connect as openSocket, type Socket } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { defaultProxyLimits, type EngineName, frontUnit, instant, type UnitRelease } from "@sluice/core";
import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { writeProxyHeader } from "@sluice/proxy/serving/proxy-protocol";
import { nodeClock } from "@sluice/runtime";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startKeeperFixture, until } from "../keeper/testing/keeper-fixture.ts";
import { type Authority, createAuthority, type Pair } from "../probing/testing/certificates.ts";
import { type HostProxies, openProxies } from "../proxies/open-proxies.ts";
import { releaseOf } from "../slots/testing/builders.ts";

const name = "www.shop.example";
const haproxy = await installedHaproxy();
const engines: readonly EngineName[] = haproxy === undefined ? ["node"] : ["node", "haproxy"];

let authority: Authority;
let pairs: Readonly<Record<"first" | "renewed" | "other", Pair>>;

beforeAll(async () => {
  authority = await createAuthority();
  const first = await authority.issue(name);
  const renewed = await authority.issue(name);
  pairs = { first, renewed, other: await authority.issue("other.example") };
});

afterAll(() => authority[Symbol.asyncDispose]());

const fingerprintOf = ({ cert }: Pair): string => new X509Certificate(cert).fingerprint256;
const digestOf = (pair: Pair): string => `sha256:${fingerprintOf(pair).replaceAll(":", "").toLowerCase()}`;
const seen = (pair: Pair) => ({
  shop: { digest: digestOf(pair), validUntil: instant(new X509Certificate(pair.cert).validToDate.getTime()) },
});

/** A host whose proxy of `shop` reads its certificate from two files, which begin as `first`. */
class Scene {
  readonly proxies: HostProxies;
  readonly dir: string;
  readonly port: number;
  readonly files: { readonly certFile: string; readonly keyFile: string };

  constructor(dir: string, proxies: HostProxies, port: number) {
    this.dir = dir;
    this.proxies = proxies;
    this.port = port;
    this.files = { certFile: join(dir, "shop.crt"), keyFile: join(dir, "shop.key") };
  }

  async put({ certFile, keyFile }: Pick<Pair, "certFile" | "keyFile">): Promise<void> {
    await copyFile(certFile, this.files.certFile);
    await copyFile(keyFile, this.files.keyFile);
  }

  release(engine: EngineName): UnitRelease {
    const binding = { name, kind: "public", bindingPort: 443, certificate: { name: "shop", ...this.files } } as const;
    return releaseOf(frontUnit, `front ${engine}`, {
      engine,
      listeners: [{ bindingPort: 443, address: "127.0.0.1", port: this.port, tls: true }],
      routes: [{ ...binding, site: "shop" }],
      limits: defaultProxyLimits,
    });
  }

  start(engine: EngineName, certificates?: ReturnType<typeof seen>) {
    const options = { slots: { live: "hold" }, probeTokens: {}, ...(certificates && { certificates }) } as const;
    return this.proxies.startSuccessor(frontUnit, this.release(engine), options);
  }

  /** Fingerprint of the certificate that users are shown. */
  shown(): Promise<string> {
    return fingerprintOver(openSocket(this.port, "127.0.0.1"));
  }

  /** The same on the probe socket of a process that need not accept users yet. */
  shownToProbes(proxy: Parameters<HostProxies["probeSocket"]>[0]): Promise<string> {
    const socket = openSocket(this.proxies.probeSocket(proxy));
    const loopback = { address: "127.0.0.1" };
    socket.write(
      writeProxyHeader({ source: { ...loopback, port: 9 }, destination: { ...loopback, port: 443 }, tls: false }),
    );
    return fingerprintOver(socket);
  }
}

function fingerprintOver(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const secure = connect({ socket, servername: name, rejectUnauthorized: false }, () => {
      resolve(secure.getPeerX509Certificate()?.fingerprint256 ?? "none");
      secure.destroy();
    });
    secure.on("error", reject);
  });
}

async function scene(): Promise<Scene> {
  const keeper = await startKeeperFixture();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const proxies = openProxies({ keeper: keeper.keeper, dataDir: keeper.dir, host: "web-1", clock: nodeClock });
  const made = new Scene(keeper.dir, proxies, await freePort());
  await made.put(pairs.first);
  return made;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.each(engines)(
  "a %s proxy that is killed presents what it was started with, whatever lies in its files by then",
  async (engine) => {
    const host = await scene();
    const proxy = await host.start(engine);
    await host.proxies.accept(proxy);
    expect(proxy.certificates).toEqual(seen(pairs.first));
    const spoiled: readonly (() => Promise<void>)[] = [() => host.put(pairs.renewed), () => rm(host.files.certFile)];
    for (const spoil of spoiled) {
      await spoil();
      const [before] = await host.proxies.list();
      process.kill(before?.pid ?? 0, "SIGKILL");
      await until(async () => {
        const [again] = await host.proxies.list();
        return again !== undefined && again.pid !== before?.pid;
      });
      expect(await host.shown()).toBe(fingerprintOf(pairs.first));
    }
  },
);

test.each(engines)(
  "a %s successor is asked under the renewed certificate while users are shown the old one",
  async (engine) => {
    const host = await scene();
    const old = await host.start(engine);
    await host.proxies.accept(old);
    await host.put(pairs.renewed);
    const successor = await host.start(engine);
    expect(await host.shownToProbes(successor)).toBe(fingerprintOf(pairs.renewed));
    expect(await host.shown()).toBe(fingerprintOf(pairs.first));
    await host.proxies.remove(successor, 1000);
    // Going back does not need the files.
    await Promise.all([rm(host.files.certFile), rm(host.files.keyFile)]);
    const back = await host.start(engine, seen(pairs.first));
    expect(await host.shownToProbes(back)).toBe(fingerprintOf(pairs.first));
    expect(back.remarks).toEqual([]);
  },
);

test("a pair that is half written, for another name or out of its time is refused before any process is started", async () => {
  const host = await scene();
  await host.put({ certFile: pairs.renewed.certFile, keyFile: pairs.first.keyFile });
  await expect(host.start("node")).rejects.toThrow(
    /the key in .*shop\.key does not belong to the certificate in .*shop\.crt/,
  );
  await host.put(pairs.other);
  await expect(host.start("node")).rejects.toThrow(/it does not cover www\.shop\.example/);
  await writeFile(host.files.certFile, pairs.first.cert.slice(0, 300));
  await expect(host.start("node")).rejects.toThrow(/shop\.crt is not what it should be/);
  expect(await host.proxies.list()).toEqual([]);
});

test("copies can be read by nobody else, and go when nothing can be started with them any more", async () => {
  const host = await scene();
  const old = await host.start("node");
  await host.put(pairs.renewed);
  const renewed = await host.start("node");
  const folder = join(host.dir, "agent/certificates");
  const stem = (pair: Pair): string => digestOf(pair).slice("sha256:".length);
  expect(statSync(join(folder, `${stem(pairs.first)}.key`)).mode & 0o777).toBe(0o600);
  expect(statSync(join(host.dir, "run", old.childId, "certificate-shop.key")).mode & 0o777).toBe(0o600);
  await host.proxies.pruneCertificates(new Set());
  expect(await readdir(folder), "both are presented").toHaveLength(4);
  await host.proxies.remove(old, 1000);
  await host.proxies.pruneCertificates(new Set());
  expect(existsSync(join(folder, `${stem(pairs.first)}.crt`))).toBe(false);
  await host.proxies.remove(renewed, 1000);
  await host.proxies.pruneCertificates(new Set([digestOf(pairs.renewed)]));
  expect(await readdir(folder), "it is what a cold start begins with").toHaveLength(2);
});

test("a proven copy that was lost is made up for by the files, and that is told", async () => {
  const host = await scene();
  await host.put(pairs.renewed);
  const proxy = await host.start("node", seen(pairs.first));
  expect(proxy.certificates).toEqual(seen(pairs.renewed));
  expect(proxy.remarks).toEqual([
    `the copy of certificate 'shop' that was proven here is lost; started with what lies at ${host.files.certFile}`,
  ]);
});

test.each(engines)(
  "certificates and keys of a %s proxy that are edited by hand are found, in its folder and among the copies, and put back",
  async (engine) => {
    const host = await scene();
    const proxy = await host.start(engine);
    await host.put(pairs.renewed);
    expect(await host.proxies.edited()).toEqual([]);
    const copy = join(host.dir, "agent", "certificates", digestOf(pairs.first).slice("sha256:".length));
    const given = join(host.dir, "run", proxy.childId, "certificate-shop");
    const own = engine === "haproxy" ? [`${given}.pem`] : [];
    for (const file of [`${given}.crt`, `${given}.key`, ...own, `${copy}.crt`]) {
      const before = await readFile(file, "utf8");
      await writeFile(file, await readFile(pairs.other.certFile, "utf8"));
      const [edited, ...others] = await host.proxies.edited();
      expect(others).toEqual([]);
      expect(edited).toMatchObject({ kind: "configuration-edited", where: file });
      await edited?.heal?.();
      expect(await readFile(file, "utf8")).toBe(before);
    }
    await rm(`${copy}.crt`);
    const [gone] = await host.proxies.edited();
    expect(gone).toMatchObject({ about: "host", where: `${copy}.crt`, found: "no file" });
    await gone?.heal?.();
    expect(await host.proxies.edited()).toEqual([]);
  },
);
