import { join } from "node:path";

/** Where a haproxy process of a folder has its files and sockets. */
export interface ProcessFiles {
  readonly config: string;
  readonly hostsMap: string;
  readonly latencyMap: string;
  readonly outcomeMap: string;
  /** Of a front: which site a binding belongs to. */
  readonly sitesMap: string;
  readonly slotMap: string;
  readonly slotLua: string;
  readonly nominatedLua: string;
  readonly countsLua: string;
  /** What workers counted, those that are gone included. */
  readonly counts: string;
  readonly certificateList: string;
  /** Holds certificate and key, as HAProxy wants them. */
  certificate(name: string): string;
  readonly masterSocket: string;
  readonly probeSocket: string;
  /** Behind `probe.sock`, for binding ports with and without TLS. */
  readonly plainProbeSocket: string;
  readonly secureProbeSocket: string;
}

/** The configuration of the haproxy process of a folder; only such a process has one. */
export const configOf = (dir: string): string => join(dir, "haproxy.cfg");

export function processFiles(dir: string): ProcessFiles {
  return {
    config: configOf(dir),
    hostsMap: join(dir, "hosts.map"),
    latencyMap: join(dir, "latency.map"),
    outcomeMap: join(dir, "outcome.map"),
    sitesMap: join(dir, "sites.map"),
    slotMap: join(dir, "slot.map"),
    slotLua: join(dir, "slot.lua"),
    nominatedLua: join(dir, "nominated.lua"),
    countsLua: join(dir, "counts.lua"),
    counts: join(dir, "counts.json"),
    certificateList: join(dir, "certificates.list"),
    certificate: (name) => join(dir, `certificate-${encodeURIComponent(name)}.pem`),
    masterSocket: join(dir, "master.sock"),
    probeSocket: join(dir, "probe.sock"),
    plainProbeSocket: join(dir, "probe0.sock"),
    secureProbeSocket: join(dir, "probe1.sock"),
  };
}
