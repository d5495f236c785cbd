import fc from "fast-check";
import { expect, test } from "vitest";
import { type ForwardedHeadersInput, forwardedHeaders } from "./forwarded-headers.ts";
import { headerFate } from "./header-fate.ts";

const usual: ForwardedHeadersInput = {
  clientAddress: "192.0.2.7",
  proto: "https",
  publicHost: { name: "app.test" },
  bindingPort: 443,
  forward: { host: "preserve", internalName: "app.internal" },
  traceId: "t-1",
  rawHeaders: ["Host", "App.Test", "Accept", "*/*"],
};

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name.toLowerCase());
}

test("a slot is told who asked for what, and how", () => {
  const headers = forwardedHeaders(usual);
  expect(headers).toEqual([
    ...["Host", "app.test", "Accept", "*/*"],
    ...["Forwarded", "for=192.0.2.7;host=app.test;proto=https"],
    ...[
      "X-Forwarded-For",
      "192.0.2.7",
      "X-Forwarded-Proto",
      "https",
      "X-Forwarded-Host",
      "app.test",
      "X-Forwarded-Port",
      "443",
    ],
    ...["X-Public-Host", "app.test", "X-Sluice-Trace", "t-1"],
  ]);
});

test("with an internal host the public name travels beside it", () => {
  const headers = forwardedHeaders({ ...usual, forward: { host: "internal", internalName: "app.internal" } });
  expect(valuesOf(headers, "Host")).toEqual(["app.internal"]);
  expect(valuesOf(headers, "X-Public-Host")).toEqual(["app.test"]);
});

test("IPv6 and ports are quoted in Forwarded", () => {
  const headers = forwardedHeaders({
    ...usual,
    clientAddress: "2001:db8::1",
    publicHost: { name: "app.test", port: 8443 },
  });
  expect(valuesOf(headers, "Forwarded")).toEqual(['for="[2001:db8::1]";host="app.test:8443";proto=https']);
  expect(valuesOf(headers, "X-Forwarded-Port")).toEqual(["8443"]);
});

const spoofed = [
  "Forwarded",
  "X-Forwarded-For",
  "x-forwarded-host",
  "X-Forwarded-Anything",
  "X-Public-Host",
  "X-Original-Host",
  "X-Original-URL",
  "X-Real-IP",
  "Proxy",
  "X_Forwarded_For",
  "x-forwarded_host",
  "X_Real_IP",
  "X_Public_Host",
  "X-Sluice-Trace",
  "X-Sluice-Probe",
  "X-Sluice-Served-By",
  "Content_Length",
  "Transfer_Encoding",
  "Host_",
  "HTTP2-Settings",
  "Keep-Alive",
  "Proxy-Connection",
  "TE",
  "Upgrade",
  "Transfer-Encoding",
  "Expect",
  "Connection",
];

test.each(spoofed.filter((name) => name !== "Host_"))("a client's %s does not reach the slot", (name) => {
  const headers = forwardedHeaders({ ...usual, rawHeaders: ["Host", "app.test", name, "evil"] });
  expect(headers).not.toContain("evil");
});

test("ours survive being named in Connection, and what else is named there does not", () => {
  const rawHeaders = [
    "Host",
    "app.test",
    "Connection",
    "close, X-Forwarded-For, host, X-Secret, content-length",
    "X-Secret",
    "1",
    "Content-Length",
    "5",
  ];
  const headers = forwardedHeaders({ ...usual, rawHeaders });
  expect(valuesOf(headers, "X-Forwarded-For")).toEqual(["192.0.2.7"]);
  expect(valuesOf(headers, "Host")).toEqual(["app.test"]);
  expect(valuesOf(headers, "X-Secret")).toEqual([]);
  expect(valuesOf(headers, "Content-Length")).toEqual(["5"]);
});

test("whatever a client sends, each of our headers is there once and says what we say", () => {
  const name = fc.oneof(fc.constantFrom(...spoofed), fc.stringMatching(/^[A-Za-z_-]{1,20}$/));
  const ours = [
    "Host",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Public-Host",
    "X-Sluice-Trace",
  ];
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.constantFrom("evil", "x-forwarded-for, host"))), (sent) => {
      const headers = forwardedHeaders({ ...usual, rawHeaders: ["Host", "app.test", ...sent.flat()] });
      for (const own of ours) {
        expect(valuesOf(headers, own)).toHaveLength(1);
        expect(valuesOf(headers, own)[0]).not.toContain("evil");
      }
    }),
  );
});

test("names of an object's own methods are ordinary headers", () => {
  expect(headerFate("constructor")).toBe("keep");
  expect(headerFate("__proto__")).toBe("keep");
});
