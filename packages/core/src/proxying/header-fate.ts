/**
 * What becomes of a request header on its way through a proxy.
 * `spoofable`: only a proxy may say it, so a client's word is dropped. `hop`: ends at this connection (RFC 9110 §7.6.1).
 * `host` and `connection` are replaced; `trace` and `probe` are ours. Everything else is kept as it was written.
 */
export type HeaderFate = "keep" | "spoofable" | "hop" | "host" | "connection" | "probe";

/** Marks a probe; its value is the probe token. Never reaches a slot. */
export const probeHeader = "X-Sluice-Probe";
/** On answers to probes: `<host>/<site>/<slot>/<release digest>`. */
export const servedByHeader = "X-Sluice-Served-By";
/** The id under which every hop records a request. */
export const traceHeader = "X-Sluice-Trace";

const fates: Readonly<Record<string, HeaderFate>> = {
  host: "host",
  connection: "connection",
  "keep-alive": "hop",
  "proxy-connection": "hop",
  "proxy-authenticate": "hop",
  "proxy-authorization": "hop",
  te: "hop",
  "transfer-encoding": "hop",
  upgrade: "hop",
  "http2-settings": "hop",
  expect: "hop",
  forwarded: "spoofable",
  "x-public-host": "spoofable",
  "x-real-ip": "spoofable",
  proxy: "spoofable",
  "x-sluice-probe": "probe",
  "x-sluice-trace": "spoofable",
  "x-sluice-served-by": "spoofable",
};

/** Names that must not be reached by an alias either: CGI, WSGI and Rack read `X_Forwarded_Host` as `X-Forwarded-Host`. */
const guardedAgainstAlias = new Set(["content-length", "content-type", "authorization", "cookie"]);

/** Bounded, so that a client inventing names can't make it grow. */
const rememberedMax = 2048;
const remembered = new Map<string, HeaderFate>();

/** The fate of a request header by its name as the client wrote it. */
export function headerFate(name: string): HeaderFate {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const fate = judgeName(name.toLowerCase());
  if (remembered.size < rememberedMax) remembered.set(name, fate);
  return fate;
}

function judgeName(lower: string): HeaderFate {
  if (!lower.includes("_")) return judgePlainName(lower);
  const alias = lower.replaceAll("_", "-");
  return judgePlainName(alias) === "keep" && !guardedAgainstAlias.has(alias) ? "keep" : "spoofable";
}

function judgePlainName(lower: string): HeaderFate {
  const fate = Object.hasOwn(fates, lower) ? fates[lower] : undefined;
  if (fate !== undefined) return fate;
  return lower.startsWith("x-forwarded-") || lower.startsWith("x-original-") ? "spoofable" : "keep";
}
