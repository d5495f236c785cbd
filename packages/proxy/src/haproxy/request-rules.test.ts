import { headerFate } from "@sluice/core/proxying/header-fate";
import { parseHostName } from "@sluice/core/proxying/host-name";
import { expect, test } from "vitest";
import { parseProcesses } from "./master-cli.ts";
import { quote } from "./quote.ts";
import { endingHeaders, hostPattern } from "./request-rules.ts";
import { formatSlotMap, parseShownMap, slotMapOf } from "./slot-map.ts";

/** Replaced, kept for the connection itself or judged apart. */
const apart = ["host", "connection", "te", "transfer-encoding", "upgrade", "expect"];

test("a header ends here exactly when it ends at the embedded engine", () => {
  const names = [
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "http2-settings",
    "forwarded",
  ];
  names.push("x-forwarded-for", "x-forwarded-anything", "x-original-host", "x-public-host", "x-real-ip", "proxy");
  names.push(
    "x-sluice-probe",
    "x-sluice-trace",
    "x-sluice-served-by",
    "accept",
    "cookie",
    "x-forward",
    "x-proxy",
    "authorization",
  );
  names.push("content-type", "content-length", "x-custom");
  for (const plain of names) {
    for (const name of [plain, plain.replaceAll("-", "_")]) {
      expect([name, new RegExp(endingHeaders).test(name)]).toEqual([name, headerFate(name) !== "keep"]);
    }
  }
  for (const name of apart) expect(headerFate(name)).not.toBe("spoofable");
});

test("a Host is taken exactly when the embedded engine takes it", () => {
  const hosts = [
    "app.test",
    "app.test.",
    "app.test:80",
    "app.test.:65535",
    "a",
    "a_b.test",
    "[::1]",
    "[::1]:8080",
    "127.0.0.1",
  ];
  hosts.push(
    "",
    "a..b",
    "-a.test",
    "a.test:0",
    "a.test:65536",
    "a.test:",
    "a@b",
    "a/b",
    "a b",
    "a,b",
    "[::1",
    "a.test:80:80",
    ".",
  );
  for (const host of hosts) {
    expect([host, new RegExp(hostPattern, "i").test(host)]).toEqual([host, parseHostName(host) !== undefined]);
  }
});

test("what is quoted is one word, whatever is in it; a line break is refused", () => {
  expect(quote('it\'s a "test" # \\')).toBe(`'it'\\''s a "test" # \\'`);
  expect(() => quote("a\nb")).toThrow("line break");
});

test("a slot table survives the way into the map and back", () => {
  const blue = { host: "127.0.0.1", port: 8081, release: "sha256:aa" };
  for (const table of [{ live: "hold" }, { live: "blue", blue }, { live: "hold", blue, green: blue }] as const) {
    const shown = formatSlotMap(slotMapOf(table)).replaceAll(/^/gm, "0x55f51a77b800 ");
    expect(parseShownMap(shown)).toEqual(table);
  }
});

test("old workers are told from the one that serves", () => {
  const processes = parseProcesses(
    [
      "#<PID>          <type>          <reloads>       <uptime>        <version>",
      "397             master          1 [failed: 2]   0d00h00m01s     2.6.12-1+deb12u4",
      "# workers",
      "420             worker          0               0d00h00m01s     2.6.12-1+deb12u4",
      "# old workers",
      "400             worker          1               0d00h00m01s     2.6.12-1+deb12u4",
      "# programs",
    ].join("\n"),
  );
  expect(processes).toEqual({
    masterPid: 397,
    failedReloads: 2,
    workers: [
      { pid: 420, old: false },
      { pid: 400, old: true },
    ],
  });
});
