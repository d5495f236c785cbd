import { configureHost, durationMs, type ObservedHost, parseFleetFile, type UnitRelease } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { expect, test } from "vitest";
import { askedDuties, keepServedBindings } from "./asked-duties.ts";
import { emptyLedger, type Ledger } from "./ledger.ts";

function configured(forward: string, names: readonly string[]) {
  const text = `
fleet: acme
environments: [{ name: production, hosts: [web-1] }]
sites:
  shop:
    run: { driver: process, command: [node, server.js] }
    forward: { host: ${forward} }
    bindings:
      production: [${names.map((name) => `{ name: ${name}, kind: internal, port: 8080 }`).join(", ")}]
`;
  const parsed = parseFleetFile([{ file: "fleet.yaml", text }]);
  if (parsed.kind !== "ok") throw new Error(JSON.stringify(parsed.problems));
  const { sites, proxies } = configureHost(parsed.fleet, "web-1", sha256Text, {
    probeEveryMs: durationMs(1000),
    probeTokenOf: () => "token",
  });
  const [duties] = sites;
  const [proxy] = proxies;
  if (duties === undefined || proxy === undefined) throw new Error("the host has no site");
  return { duties, proxy };
}

const live = configured("internal", ["shop.internal"]);
const wanted = configured("preserve", ["shop.internal", "new.internal"]);

const reachedBy = (proxy: UnitRelease): ObservedHost => ({
  installed: [],
  slots: [],
  proxies: [
    {
      unit: proxy.unit,
      childId: "proxy-shop-1",
      digest: proxy.digest,
      build: "test",
      pid: 1,
      startedAtMs: 1,
      accepting: true,
      draining: false,
      slots: { live: "hold" },
      open: { blue: 0, green: 0 },
      remarks: [],
    },
  ],
});

const ledger: Ledger = {
  ...emptyLedger,
  duties: { shop: wanted.duties },
  proven: { [live.proxy.unit]: live.proxy },
  previous: {},
};

test("a slot is asked with the headers of the proxy that users reach, whatever the fleet wants next", () => {
  const asked = askedDuties({ ledger, intent: undefined }, reachedBy(live.proxy));
  expect(asked.shop?.forward.host).toBe("internal");
  expect(asked.shop?.bindings.map(({ name }) => name)).toEqual(["shop.internal"]);
});

test("a host that has not been looked at is asked as what is proven", () => {
  expect(askedDuties({ ledger, intent: undefined }, undefined).shop?.forward.host).toBe("internal");
});

test("a binding that the fleet has dropped is asked until the proxy that serves it has gone", () => {
  const before: Ledger = { ...ledger, duties: { shop: live.duties } };
  const renamed = configured("internal", ["renamed.internal"]);
  const kept = keepServedBindings(before, renamed.duties);
  expect(kept.bindings.map(({ name }) => name)).toEqual(["renamed.internal", "shop.internal"]);
  const moved: Ledger = { ...before, duties: { shop: kept }, proven: { [renamed.proxy.unit]: renamed.proxy } };
  expect(keepServedBindings(moved, renamed.duties)).toEqual(renamed.duties);
});
