import { expect, test } from "vitest";
import { frontProcess, siteProcess } from "../testing/process-settings.ts";
import { parseProxyProcess } from "./parse-proxy-process.ts";

const parse = (value: unknown) => parseProxyProcess(JSON.stringify(value), "settings.json");

test("settings come back as they were written", () => {
  expect(parse(siteProcess({}))).toEqual(siteProcess({}));
  expect(parse(frontProcess("/run/site.sock"))).toEqual(frontProcess("/run/site.sock"));
});

test("every problem is told at once, unknown keys with the nearest known one", () => {
  const good = siteProcess({});
  const bad = {
    ...good,
    hots: "x",
    settings: { ...good.settings, limits: { ...good.settings.limits, holdMs: "20s" } },
  };
  expect(() => parse(bad)).toThrow(/unknown key 'hots', did you mean 'host'\?/);
  expect(() => parse(bad)).toThrow(/settings\.limits\.holdMs/);
  expect(() => parseProxyProcess("{", "settings.json")).toThrow(/it is not JSON/);
});

test("what does not belong together is refused", () => {
  const good = siteProcess({});
  const listener = { bindingPort: 443, address: "127.0.0.1", port: 443, tls: true };
  expect(() => parse({ ...good, sockets: [{ fd: 3, bindingPort: 81 }] })).toThrow(
    /fd 3 is for port 81.*port 80 has no inherited socket/,
  );
  expect(() => parse({ ...good, settings: { ...good.settings, behindFront: true } })).toThrow(/siteSocketFd: missing/);
  const insecure = {
    ...good.settings,
    listeners: [listener],
    bindings: [{ name: "a.test", kind: "public", bindingPort: 443 }],
  };
  expect(() => parse({ ...good, settings: insecure, sockets: [{ fd: 3, bindingPort: 443 }] })).toThrow(
    /'a\.test' on port 443 has no certificate/,
  );
  expect(() => parse(frontProcess("/x", { sites: {} }))).toThrow(/'shop' has routes but no socket path/);
});
