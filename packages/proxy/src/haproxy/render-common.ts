import type { ProxyLimits, ProxyListener } from "@sluice/core/proxying/proxy-settings";
import type { InheritedSocket, ProxyProcess } from "../settings/process-settings.ts";
import type { ProcessFiles } from "./process-files.ts";
import { quote } from "./quote.ts";
import { announcedId } from "./request-rules.ts";

/** What a configuration is made from: settings and orders of the process, and where its files are. */
export interface RenderInput {
  readonly process: ProxyProcess;
  readonly accepting: boolean;
  readonly files: ProcessFiles;
  /** `inherited`: on the sockets that the process was given. `checkable`: on paths, so that a process without them can check the rest. */
  readonly sockets: "inherited" | "checkable";
}

/** Of the attempts to connect: a refused connection is tried again after as long. */
const attemptMs = 200;
/** HAProxy's largest: what it bounds ends when one of its ends does. */
const neverMs = 2_147_483_647;
/** In backends: an upgraded connection may be silent; a response without length, a tunnel as well to HAProxy, may not. */
export const upgradeTimeoutRule = `http-request set-timeout tunnel ${neverMs}ms if { var(txn.upgrade) -m found }`;
/** Beyond user connections: command line, probes, the connections to slots. */
const spareConnections = 100;

/** What `show info` says of this process: everything that identifies a configuration in force. */
export interface Description {
  readonly kind: "site-proxy" | "front";
  readonly digest: string;
  readonly accepting: boolean;
}

export const describe = ({ kind, digest, accepting }: Description): string =>
  `sluice ${kind} ${accepting ? "accepting" : "waiting"} ${digest}`;

/** Undefined when the process is none of ours. */
export function parseDescription(text: string): Description | undefined {
  const [, kind, accepting, digest] = /^sluice (site-proxy|front) (accepting|waiting) (.*)$/.exec(text) ?? [];
  if (kind !== "site-proxy" && kind !== "front") return undefined;
  return { kind, digest: digest ?? "", accepting: accepting === "accepting" };
}

export function globalSection({ process, accepting, files }: RenderInput): readonly string[] {
  const { limits } = process.settings;
  const { kind, settingsDigest: digest } = process;
  return [
    "global",
    `  description ${quote(describe({ kind, digest, accepting }))}`,
    "  log stderr format raw local0 notice",
    "  nbthread 1",
    "  no strict-limits",
    `  maxconn ${limits.connectionsMax + spareConnections}`,
    `  tune.bufsize ${bufferBytes(limits.headerBytesMax)}`,
    "  tune.maxrewrite 1024",
    "  tune.http.maxhdr 5000",
    "  stats timeout 30s",
    "  hard-stop-after 24h",
    `  lua-load ${quote(files.nominatedLua)}`,
    `  lua-load ${quote(files.countsLua)}`,
    ...(process.kind === "site-proxy" ? [`  lua-load ${quote(files.slotLua)}`] : []),
    "",
  ];
}

/** The longest head, and what it takes beyond its text: a place for each header, and the headers that are ours. */
const bufferBytes = (headerBytesMax: number): number => Math.max(16_384, Math.ceil(1.25 * headerBytesMax) + 2048);

/**
 * How a backend uses connections to its servers. `pooled` ones are used again, by whoever comes next, and are closed within
 * milliseconds when nobody does: HAProxy closes half of the unused ones in every such delay, so a server that closes
 * connections after a second or more of silence never closes one that is just being used.
 */
export type Connections = "pooled" | "fresh";

const idleDelay = "25ms";

export const connectionOptions = (connections: Connections): readonly string[] =>
  connections === "pooled" ? ["http-reuse always"] : ["http-reuse never", "option http-server-close"];

export const serverOptions = (connections: Connections): string =>
  connections === "pooled" ? ` pool-purge-delay ${idleDelay}` : "";

export function defaultsSection(limits: ProxyLimits): readonly string[] {
  const ms = (time: number): string => `${Math.min(Math.max(1, Math.round(time)), neverMs)}ms`;
  const attempt = Math.min(attemptMs, Math.max(1, limits.connectTimeoutMs));
  return [
    "defaults",
    "  mode http",
    // No `log`: without a format of its own each request would be worded as a message that nobody is told.
    "  option idle-close-on-response",
    "  option http-ignore-probes",
    "  option disable-h2-upgrade",
    "  option http-no-delay",
    `  retries ${Math.max(1, Math.round(limits.connectTimeoutMs / attempt))}`,
    "  retry-on conn-failure",
    `  timeout connect ${attempt}ms`,
    `  timeout client ${ms(Math.max(limits.responseTimeoutMs, limits.keepAliveTimeoutMs))}`,
    `  timeout server ${ms(limits.responseTimeoutMs)}`,
    `  timeout http-request ${ms(limits.headersTimeoutMs)}`,
    `  timeout http-keep-alive ${ms(limits.keepAliveTimeoutMs)}`,
    `  timeout queue ${ms(limits.responseTimeoutMs)}`,
    `  timeout tunnel ${ms(limits.responseTimeoutMs)}`,
    "  timeout client-fin 10s",
    ...[
      [502, "the site broke off"],
      [503, "the site could not be reached"],
      [504, "the site did not answer in time"],
    ].map(([status, sentence]) => {
      return `  http-error status ${status} content-type "text/plain; charset=utf-8" string "${sentence}\\n"`;
    }),
    "",
  ];
}

/** The listeners of users, once the process accepts. */
export function userBinds({ process, accepting, files, sockets }: RenderInput): readonly string[] {
  if (!accepting) return [];
  const bind = (fd: number): string =>
    sockets === "inherited" ? `bind fd@${fd}` : `bind ${quote(`unix@${files.probeSocket}.${fd}`)}`;
  const own = process.sockets.map(({ fd, bindingPort }) => {
    return `${bind(fd)} id ${bindingPort}${tlsOf(process.settings.listeners, bindingPort, files)}`;
  });
  const siteFd = process.kind === "site-proxy" ? process.siteSocketFd : undefined;
  return siteFd === undefined ? own : [...own, `${bind(siteFd)} id ${announcedId} accept-proxy`];
}

/** The probe socket in front of the requests: TLS follows where the listener that the PROXY header names has TLS. */
export function probeBinds({ process, files }: RenderInput): readonly string[] {
  const secure = securePorts(process.settings.listeners);
  const plain = secure.length === 0 ? files.probeSocket : files.plainProbeSocket;
  const binds = [`bind ${quote(`unix@${plain}`)} mode 600 id ${announcedId + 1} accept-proxy`];
  if (secure.length === 0) return binds;
  return [
    ...binds,
    `bind ${quote(`unix@${files.secureProbeSocket}`)} mode 600 id ${announcedId + 2} accept-proxy${tls(files)}`,
  ];
}

/** Sends a probe on, undecrypted, to where TLS is spoken or not. Empty when nothing speaks TLS. */
export function probeSections({ process, files }: RenderInput): readonly string[] {
  const secure = securePorts(process.settings.listeners);
  if (secure.length === 0) return [];
  return [
    "frontend probes",
    "  mode tcp",
    `  bind ${quote(`unix@${files.probeSocket}`)} mode 600 accept-proxy`,
    `  use_backend probes-secure if { dst_port ${secure.join(" ")} }`,
    "  default_backend probes-plain",
    "backend probes-plain",
    "  mode tcp",
    `  timeout tunnel ${neverMs}ms`,
    `  server probes ${quote(`unix@${files.plainProbeSocket}`)} send-proxy-v2`,
    "backend probes-secure",
    "  mode tcp",
    `  timeout tunnel ${neverMs}ms`,
    `  server probes ${quote(`unix@${files.secureProbeSocket}`)} send-proxy-v2`,
    "",
  ];
}

export const securePorts = (listeners: readonly ProxyListener[]): readonly number[] =>
  listeners.filter(({ tls }) => tls).map(({ bindingPort }) => bindingPort);

const tls = (files: ProcessFiles): string => ` ssl crt-list ${quote(files.certificateList)} alpn http/1.1`;

function tlsOf(listeners: readonly ProxyListener[], port: InheritedSocket["bindingPort"], files: ProcessFiles): string {
  return securePorts(listeners).includes(port) ? tls(files) : "";
}

export const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);
