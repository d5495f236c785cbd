import type { Hop, Probe, ProbedBinding } from "@sluice/core";

/** One request to ask: of which binding, on which hop, over which way, with exactly which headers. */
export interface Question {
  readonly site: string;
  readonly binding: string;
  readonly bindingPort: number;
  readonly hop: Hop;
  readonly probe: Probe;
  readonly way: Way;
  /** Present when TLS is spoken on this hop; the certificate must be valid for `serverName`. */
  readonly tls?: { readonly serverName: string };
  /** Path on the wire; the probe's path, behind the edge's own path where it has one. */
  readonly path: string;
  /** Name, value, name, value … */
  readonly rawHeaders: readonly string[];
  /** Digest of the release the way leads to, where that is fixed before asking (a slot). */
  readonly release?: string;
}

/** How the first byte gets there. */
export type Way =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** A probe socket: speaks the PROXY protocol v2 first, naming the port that users would have connected to. */
  | {
      readonly kind: "probe-socket";
      readonly path: string;
      readonly bindingPort: number;
      /** The user speaks TLS, but to the front: what arrives here is plain. */
      readonly tlsTakenOff: boolean;
    };

/** `GET /healthz`, as results name it. */
export const probeName = (probe: Probe): string => `${probe.method} ${probe.path}`;

/** The name that a probe asks for: the binding's own, or for `*.example.com` one that it stands for. */
export const askedName = (binding: Pick<ProbedBinding, "name">): string =>
  binding.name.replace(/^\*\./, "sluice-probe.");

/** The Host header that users of the binding send: the port is named only where it is not the scheme's own. */
export function hostHeader(binding: Pick<ProbedBinding, "name" | "bindingPort" | "tls">): string {
  const name = askedName(binding);
  return binding.bindingPort === (binding.tls ? 443 : 80) ? name : `${name}:${binding.bindingPort}`;
}

/** Where to connect to reach a listener bound to `address`: a wildcard is reached over loopback. */
export function reachable(address: string): string {
  if (address === "0.0.0.0" || address === "") return "127.0.0.1";
  return address === "::" || address === "[::]" ? "::1" : address;
}
