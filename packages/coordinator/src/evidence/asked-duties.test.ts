import { configureHost, parseFleetFile, type Rollout, type SiteProxySettings } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { expect, test } from "vitest";
import { askedDuties } from "./asked-duties.ts";

const fleetText = (names: readonly string[]): string => `
fleet: acme
environments: [{ name: production, hosts: [web-1] }]
sites:
  shop:
    run: { driver: process, command: [node, server.js] }
    bindings:
      production: [${names.map((name) => `{ name: ${name}, kind: internal, port: 8080 }`).join(", ")}]
`;

function configured(names: readonly string[]) {
  const parsed = parseFleetFile([{ file: "fleet.yaml", text: fleetText(names) }]);
  if (parsed.kind !== "ok") throw new Error(JSON.stringify(parsed.problems));
  const options = { probeEveryMs: 1000 as never, probeTokenOf: () => "token" };
  return configureHost(parsed.fleet, "web-1", sha256Text, options);
}

const before = configured(["shop.internal"]);
const wanted = configured(["shop.internal", "new.shop.internal"]);
const contents = new Map([...before.proxies, ...wanted.proxies].map(({ digest, content }) => [digest, content]));

const asked = (units: Rollout["stages"][number]["waves"][number][number]["units"]): readonly string[] => {
  const rollout = { stages: [{ waves: [[{ host: "web-1", units }]] }] } as unknown as Rollout;
  const duties = askedDuties({
    rollout,
    host: "web-1",
    duties: wanted.sites,
    provenOf: () => before.proxies[0]?.digest,
    settingsOf: (digest) => contents.get(digest) as SiteProxySettings | undefined,
  });
  return duties.flatMap(({ bindings }) => bindings.map(({ name }) => name));
};

test("a rollout of a release waits for no binding that no proxy serves yet", () => {
  expect(asked([{ unit: "site:shop", to: "sha256:2" }])).toEqual(["shop.internal"]);
});

test("the rollout that brings a binding waits for it", () => {
  const to = wanted.proxies[0]?.digest ?? "";
  expect([...asked([{ unit: "proxy:shop", to }])].sort()).toEqual(["new.shop.internal", "shop.internal"]);
});
