import { join } from "node:path";
import type { FrontSettings, ProxyListener, SiteProxySettings, UnitKey, UnitRelease } from "@sluice/core";
import { parseUnit } from "@sluice/core/intent/intent";
import { Problem } from "@sluice/core/problems/problem";
import type { InheritedSocket, ProxyProcess } from "@sluice/proxy/settings/process-settings";
import type { SocketSpec } from "../keeper/keeper-api.ts";

/** A socket that a proxy inherits; the keeper binds it under this name, which all generations share. */
export interface WantedSocket {
  readonly name: string;
  readonly spec: SocketSpec;
}

/** All that has to be there before a proxy process can start: its sockets, in the order of their fds, and its settings. */
export interface ProxyChildPlan {
  readonly sockets: readonly WantedSocket[];
  readonly settings: ProxyProcess;
}

export interface PlanOptions {
  readonly host: string;
  readonly runDir: string;
  readonly probeTokens: Readonly<Record<string, string>>;
  readonly routesBeforeAccept?: Readonly<Record<string, string>>;
}

/** The keeper hands sockets on from here. */
const firstFd = 3;

export const siteSocketPath = (runDir: string, site: string): string => join(runDir, `site-${site}.sock`);

/** True for sockets that belong to proxies; others in the keeper are none of our business. */
export const isProxySocket = (name: string): boolean => /^(listen|site)-/.test(name);

/** Turns the release of a proxy or front into what its process is started with. */
export function planProxyChild(unit: UnitKey, release: UnitRelease, options: PlanOptions): ProxyChildPlan {
  const { content } = release;
  if ("run" in content || "kind" in content)
    throw new Problem("release-invalid", `cannot start ${unit}: ${release.digest} is no release of a proxy`);
  return parseUnit(unit).kind === "front" || "routes" in content
    ? planFront(content as FrontSettings, release.digest, options)
    : planSiteProxy(content, release.digest, options);
}

function planSiteProxy(settings: SiteProxySettings, settingsDigest: string, options: PlanOptions): ProxyChildPlan {
  const { host, runDir, probeTokens } = options;
  const { site, behindFront } = settings;
  const listening = settings.listeners.map(listenSocket);
  const path = siteSocketPath(runDir, site);
  const own: readonly WantedSocket[] = behindFront ? [{ name: `site-${site}`, spec: { kind: "unix", path } }] : [];
  return {
    sockets: [...listening, ...own],
    settings: {
      kind: "site-proxy",
      host,
      settingsDigest,
      settings,
      sockets: settings.listeners.map(inherited),
      ...(behindFront ? { siteSocketFd: firstFd + listening.length } : {}),
      probeToken: probeTokens[site] ?? "",
    },
  };
}

function planFront(settings: FrontSettings, settingsDigest: string, options: PlanOptions): ProxyChildPlan {
  const { host, runDir, probeTokens, routesBeforeAccept = {} } = options;
  const sites = [...new Set(settings.routes.map(({ site }) => site))];
  return {
    sockets: settings.listeners.map(listenSocket),
    settings: {
      kind: "front",
      host,
      settingsDigest,
      settings,
      sockets: settings.listeners.map(inherited),
      sites: Object.fromEntries(
        sites.map((site) => {
          const probeToken = probeTokens[site];
          const socketPath = siteSocketPath(runDir, site);
          return [site, probeToken === undefined ? { socketPath } : { socketPath, probeToken }];
        }),
      ),
      ...(Object.keys(routesBeforeAccept).length === 0 ? {} : { routesBeforeAccept }),
    },
  };
}

function listenSocket({ address, port }: ProxyListener): WantedSocket {
  return { name: `listen-${address}-${port}`, spec: { kind: "tcp", address, port } };
}

const inherited = ({ bindingPort }: ProxyListener, at: number): InheritedSocket => ({ fd: firstFd + at, bindingPort });
