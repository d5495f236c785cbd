import { once } from "node:events";
import { connect as connectUnix } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { writeProxyHeader } from "@sluice/proxy/serving/proxy-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCertificates, type TestCertificates } from "./support/certificates.ts";
import { eachEngine } from "./support/each-engine.ts";
import { valuesOf } from "./support/response-reader.ts";
import { slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { get, request, WireClient } from "./support/wire-client.ts";

let certificates: TestCertificates;

beforeAll(async () => {
  certificates = await startCertificates();
  certificates.make("app", "app.test");
  certificates.make("other", "other.test");
  certificates.make("wild", "*.many.test");
  certificates.make("renewed", "app.test");
});

afterAll(() => certificates[Symbol.asyncDispose]());

const bindings = () => [
  certificates.binding("app.test", "app"),
  certificates.binding("other.test", "other"),
  certificates.binding("*.many.test", "wild"),
];

async function openSecurely(options: ConnectionOptions): Promise<{ socket: TLSSocket; client: WireClient }> {
  const socket = connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  return { socket, client: new WireClient(socket) };
}

/** The common name of the certificate a client is shown. */
async function shown(port: number, servername: string | undefined): Promise<string> {
  const { socket } = await openSecurely({ port, ...(servername !== undefined && { servername }) });
  const name = String(socket.getPeerCertificate().subject?.CN);
  socket.destroy();
  return name;
}

eachEngine((startSite, shape) => {
  test.concurrent.each(["TLSv1.2", "TLSv1.3"] as const)(
    "RFC 8446 §4.2.1: clients of %s are served, and slots are told https",
    async (version) => {
      await using slot = await startScriptedSlot();
      await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings() });
      const { socket, client } = await openSecurely({
        port: site.securePort,
        servername: "app.test",
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ["h2", "http/1.1"],
      });
      expect(socket.getProtocol()).toBe(version);
      expect(socket.alpnProtocol).toBe("http/1.1");
      expect((await client.send(get()).response()).status).toBe(200);
      socket.destroy();
      const seen = slot.requests[0] ?? { headers: [] };
      expect(valuesOf(seen, "x-forwarded-proto")).toEqual(["https"]);
      expect(valuesOf(seen, "x-forwarded-port")).toEqual(["443"]);
      expect(valuesOf(seen, "forwarded")).toEqual(["for=127.0.0.1;host=app.test;proto=https"]);
    },
  );

  test.concurrent("RFC 6066 §3: the certificate shown is that of the name the client asks for, and the first one for another name or none", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings() });
    expect(await shown(site.securePort, "app.test")).toBe("app");
    expect(await shown(site.securePort, "other.test")).toBe("other");
    expect(await shown(site.securePort, "any.many.test")).toBe("wild");
    expect(await shown(site.securePort, "unknown.test")).toBe("app");
    expect(await shown(site.securePort, undefined)).toBe("app");
  });

  test.concurrent("RFC 9110 §7.4: the host of the request decides, whatever name was asked for in the handshake", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings() });
    const { socket, client } = await openSecurely({ port: site.securePort, servername: "app.test" });
    expect((await client.send(request("GET / HTTP/1.1", "Host: unknown.test")).response()).status).toBe(421);
    socket.destroy();
  });

  test.concurrent("TLS 1.1 and bytes that are no TLS do not get through, and harm nobody", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings() });
    using plain = await WireClient.open({ port: site.securePort });
    await plain.send(get()).end();
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(openSecurely({ port: site.securePort, servername: "app.test", ...old })).rejects.toThrow();
    expect(slot.requests).toEqual([]);
    expect(await shown(site.securePort, "app.test")).toBe("app");
  });

  test.concurrent.each([
    ["the longest wait for a client", { headersTimeoutMs: 300, keepAliveTimeoutMs: 300, responseTimeoutMs: 300 }],
    ["headersTimeoutMs", { headersTimeoutMs: 300 }],
  ])("a handshake that never ends is cut after %s", async (_, limits) => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings(), limits });
    using silent = await WireClient.open({ port: site.securePort });
    expect(await silent.end()).toBe("");
  });

  test.concurrent("a certificate that is no good stops the start, names itself, and never serves", async () => {
    await using own = await startCertificates();
    own.make("app", "app.test");
    own.spoil("app");
    await using slot = await startScriptedSlot();
    const started = startSite({ slots: slotsAt(slot.port), bindings: [own.binding("app.test", "app")] });
    await expect(started).rejects.toThrow(/cannot use certificate 'app'/);
  });

  test.concurrent("PROXY protocol §2.2.6: what a probe announces on the probe socket is served as on the listener itself, TLS too", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), bindings: bindings() });
    const part = shape === "own-port" ? "site-proxy" : "front";
    const raw = connectUnix(site.probeSocket(part));
    await once(raw, "connect");
    raw.write(
      writeProxyHeader({
        source: { address: "198.51.100.7", port: 1234 },
        destination: { address: "192.0.2.1", port: 443 },
        tls: false,
      }),
    );
    const socket = connect({ socket: raw, servername: "other.test", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    expect(socket.getPeerCertificate().subject?.CN).toBe("other");
    const client = new WireClient(socket);
    const asked = request("GET / HTTP/1.1", "Host: other.test", `X-Sluice-Probe: ${site.probeToken}`);
    const answer = await client.send(asked).response();
    expect(answer.status).toBe(200);
    expect(valuesOf(answer, "x-sluice-served-by")).toEqual(["web-1/shop/blue/sha256:blue"]);
    socket.destroy();
    const seen = slot.requests[0] ?? { headers: [] };
    expect(valuesOf(seen, "x-forwarded-for")).toEqual(["198.51.100.7"]);
    expect(valuesOf(seen, "x-forwarded-proto")).toEqual(["https"]);
    expect(valuesOf(seen, "x-sluice-probe")).toEqual([]);
  });
});
