import type { FrontSettings, SiteProxySettings, SlotTable } from "@sluice/core/proxying/proxy-settings";
import { durationMs } from "@sluice/core/units/time";
import { z } from "zod";

/** A listening socket the keeper has bound and this process inherits. */
export interface InheritedSocket {
  /** 3 for the first socket of the child, 4 for the next … */
  readonly fd: number;
  /** Names the listener in `settings.listeners` that says whether it speaks TLS. */
  readonly bindingPort: number;
}

/** `settings.json` of a site proxy: written by the agent before the child is started, never changed afterwards. */
export interface SiteProxyProcess {
  readonly kind: "site-proxy";
  /** Name of the host, for `X-Sluice-Served-By`. */
  readonly host: string;
  /** Digest of the release these settings are, echoed by `/status`. */
  readonly settingsDigest: string;
  readonly settings: SiteProxySettings;
  readonly sockets: readonly InheritedSocket[];
  /** Inherited `DIR/run/site-<site>.sock`, where the front reaches this proxy. */
  readonly siteSocketFd?: number;
  readonly probeToken: string;
}

/** `settings.json` of a front. */
export interface FrontProcess {
  readonly kind: "front";
  readonly host: string;
  readonly settingsDigest: string;
  readonly settings: FrontSettings;
  readonly sockets: readonly InheritedSocket[];
  /** By site, for every site in `settings.routes`. */
  readonly sites: Readonly<Record<string, FrontSite>>;
  /**
   * By site, the probe socket of a site proxy that does not accept yet. Until this front has accepted, requests go there,
   * so that a whole new chain is probed before anything is switched.
   */
  readonly routesBeforeAccept?: Readonly<Record<string, string>>;
}

export interface FrontSite {
  /** `DIR/run/site-<site>.sock` */
  readonly socketPath: string;
  /** Probes with it are counted apart; the site proxy is who checks it. */
  readonly probeToken?: string;
}

export type ProxyProcess = SiteProxyProcess | FrontProcess;

const port = z.number().int().min(1).max(65_535);
const fd = z.number().int().min(3);
const duration = z.number().int().min(0).transform(durationMs);
const text = z.string().min(1);

const listener = z.strictObject({ bindingPort: port, address: text, port, tls: z.boolean() });
const certificate = z.strictObject({ name: text, certFile: text, keyFile: text });
const binding = z.strictObject({
  name: text,
  kind: z.enum(["internal", "public"]),
  bindingPort: port,
  certificate: certificate.exactOptional(),
});
const limits = z.strictObject({
  headersTimeoutMs: duration,
  keepAliveTimeoutMs: duration,
  requestTimeoutMs: duration,
  headerBytesMax: z.number().int().min(1024),
  connectionsMax: z.number().int().min(1),
  holdMs: duration,
  connectTimeoutMs: duration,
  responseTimeoutMs: duration,
});

const siteProxySettings = z.strictObject({
  site: text,
  engine: z.enum(["node", "haproxy"]),
  listeners: z.array(listener),
  behindFront: z.boolean(),
  bindings: z.array(binding),
  forward: z.strictObject({ host: z.enum(["preserve", "internal"]), internalName: z.string() }),
  limits,
});

const frontSettings = z.strictObject({
  engine: z.enum(["node", "haproxy"]),
  listeners: z.array(listener),
  routes: z.array(binding.extend({ site: text })),
  limits,
});

const inheritedSocket = z.strictObject({ fd, bindingPort: port });

const siteProxyProcess = z.strictObject({
  kind: z.literal("site-proxy"),
  host: text,
  settingsDigest: z.string(),
  settings: siteProxySettings,
  sockets: z.array(inheritedSocket),
  siteSocketFd: fd.exactOptional(),
  probeToken: z.string(),
});

const frontProcess = z.strictObject({
  kind: z.literal("front"),
  host: text,
  settingsDigest: z.string(),
  settings: frontSettings,
  sockets: z.array(inheritedSocket),
  sites: z.record(z.string(), z.strictObject({ socketPath: text, probeToken: z.string().exactOptional() })),
  routesBeforeAccept: z.record(z.string(), text).exactOptional(),
});

/** Checks the shape of `settings.json`; relations are checked by `parseProxyProcess`. */
export const proxyProcessSchema = z.discriminatedUnion("kind", [siteProxyProcess, frontProcess]);

const slotTarget = z.strictObject({ host: text, port, release: z.string() });

/** Checks the body of `PUT /slots` and what `state.json` says about slots. */
export const slotTableSchema = z
  .strictObject({
    live: z.enum(["blue", "green", "hold"]),
    blue: slotTarget.exactOptional(),
    green: slotTarget.exactOptional(),
    draining: z.literal(true).exactOptional(),
  })
  .refine((table) => table.live === "hold" || table[table.live] !== undefined, {
    message: "the live slot has no address",
    path: ["live"],
  });

/** Checks a slot table; undefined when it is none. */
export function parseSlotTable(
  value: unknown,
): { readonly table: SlotTable } | { readonly problems: readonly string[] } {
  const parsed = slotTableSchema.safeParse(value);
  if (parsed.success) return { table: parsed.data };
  return { problems: parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`) };
}

/** Every key that may appear in `settings.json`, to name the nearest one when another is met. */
export const knownKeys: readonly string[] = [
  ...Object.keys(siteProxyProcess.shape),
  ...Object.keys(frontProcess.shape),
  ...Object.keys(siteProxySettings.shape),
  ...Object.keys(frontSettings.shape),
  ...Object.keys(listener.shape),
  ...Object.keys(binding.shape),
  ...Object.keys(certificate.shape),
  ...Object.keys(limits.shape),
  ...Object.keys(inheritedSocket.shape),
  ...["host", "internalName", "site", "socketPath"],
];
