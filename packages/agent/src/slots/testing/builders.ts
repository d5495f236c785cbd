import {
  canonicalJson,
  type Probe,
  type ProbedBinding,
  type SiteDuties,
  type SiteReleaseContent,
  seconds,
  siteUnit,
  type UnitKey,
  type UnitRelease,
} from "@sluice/core";
import { sha256Text } from "@sluice/runtime";

export const probe = (over: Partial<Probe> = {}): Probe => ({
  path: "/",
  method: "GET",
  headers: {},
  expect: [200],
  timeoutMs: seconds(5),
  ...over,
});

/** An internal binding on port 80 of a site with ports of its own. */
export const binding = (over: Partial<ProbedBinding> = {}): ProbedBinding => ({
  name: "shop.internal",
  kind: "internal",
  bindingPort: 80,
  address: "127.0.0.1",
  port: 80,
  tls: false,
  shared: false,
  ...over,
});

export const duties = (over: Partial<SiteDuties> = {}): SiteDuties => ({
  site: "shop",
  forward: { host: "preserve" },
  drainMs: seconds(5),
  keepPreviousMs: seconds(60),
  probeEveryMs: seconds(5),
  probeToken: "token-1",
  probes: [probe()],
  bindings: [binding()],
  ...over,
});

/** A release under its true digest. */
export function releaseOf(unit: UnitKey, version: string, content: UnitRelease["content"]): UnitRelease {
  return { unit, version, digest: sha256Text(canonicalJson(content)), content };
}

/** A release of `shop` that runs `script` in Node, without files of its own. */
export function scriptRelease(version: string, script: string, over: Partial<SiteReleaseContent> = {}): UnitRelease {
  return releaseOf(siteUnit("shop"), version, {
    site: "shop",
    run: { driver: "process", command: ["node", "-e", script], env: { RELEASE_NAME: version } },
    ready: { path: "/healthz", withinMs: seconds(20) },
    ...over,
  });
}

/** Answers with its own environment. */
export const answerWithEnvironment = `
  require("http").createServer((request, response) => {
    response.end(JSON.stringify({ url: request.url, host: request.headers.host, pid: process.pid, cwd: process.cwd(), env: process.env }));
    if (request.url === "/crash") process.kill(process.pid, "SIGKILL");
  }).listen(process.env.PORT, process.env.HOST, () => console.log("listening"));
`;
