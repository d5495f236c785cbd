import { keepEndToEnd } from "@sluice/core/proxying/forwarded-headers";
import { probeHeader } from "@sluice/core/proxying/header-fate";
import { judgeRequest } from "@sluice/core/proxying/judge-request";
import { defaultProxyLimits, type ProxyLimits } from "@sluice/core/proxying/proxy-settings";
import { CertificateStore } from "../certificates/certificate-store.ts";
import { answerPlain } from "../forwarding/answer-plain.ts";
import { Forwarder, type ForwardRequest } from "../forwarding/forwarder.ts";
import type { ProxyRequest } from "../forwarding/proxy-request.ts";
import type { ProxyResponse } from "../forwarding/proxy-response.ts";
import { Acceptor } from "../serving/acceptor.ts";
import type { ClientConnection } from "../serving/client-connection.ts";
import { ClientServer, type RequestHandler } from "../serving/client-server.ts";
import { Upstream } from "../upstream/upstream.ts";

export interface EdgeConfig {
  /** Port 0 lets the system choose. */
  readonly listen: { readonly address: string; readonly port: number };
  /** Present: clients speak TLS. The certificate has to cover every public host. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Public host name → `host:port` of the hosts behind it. */
  readonly routes: Readonly<Record<string, readonly string[]>>;
  /** Where they differ from the defaults. */
  readonly limits?: Partial<ProxyLimits>;
}

export interface RunningEdge extends AsyncDisposable {
  readonly port: number;
}

/**
 * A small public proxy in front of hosts, for demonstrations and tests. Takes the hosts of a name in turn, asks the
 * next one when a connection is refused, passes Host as the client wrote it and adds X-Forwarded-For.
 */
export async function startEdge(config: EdgeConfig): Promise<RunningEdge> {
  const limits: ProxyLimits = { ...defaultProxyLimits, ...config.limits };
  const routes = new Map(
    Object.entries(config.routes).map(([name, addresses]) => [name.toLowerCase(), new EdgeRoute(addresses)]),
  );
  const clients = new ClientServer(limits, new EdgeHandler(routes, new Forwarder(limits)));
  const certificates = config.tls && openCertificate(config.tls, [...routes.keys()]);
  const accepting = { kind: "direct", bindingPort: config.listen.port, tls: certificates !== undefined } as const;
  const acceptor = new Acceptor({ accepting, clients, certificates, greetingTimeoutMs: limits.headersTimeoutMs });
  const port = await acceptor.listenAtPort(config.listen.address, config.listen.port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      acceptor.stop();
      clients.close();
      for (const route of routes.values()) route.close();
    },
  };
}

function openCertificate(
  files: { readonly certFile: string; readonly keyFile: string },
  names: readonly string[],
): CertificateStore {
  const certificate = { name: "edge", ...files };
  return CertificateStore.open(names.map((name) => ({ name, certificate })));
}

/** The hosts of one public name, taken in turn. */
class EdgeRoute {
  readonly #upstreams: readonly Upstream[];
  #next = 0;

  constructor(addresses: readonly string[]) {
    this.#upstreams = addresses.map((address) => {
      const colon = address.lastIndexOf(":");
      const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
      return new Upstream({ address: { host, port: Number(address.slice(colon + 1)) }, idleMax: 256, idleMs: 4000 });
    });
  }

  take(): Upstream | undefined {
    this.#next = (this.#next + 1) % Math.max(1, this.#upstreams.length);
    return this.#upstreams[this.#next];
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.retire();
  }
}

class EdgeHandler implements RequestHandler {
  readonly #routes: ReadonlyMap<string, EdgeRoute>;
  readonly #forwarder: Forwarder;

  constructor(routes: ReadonlyMap<string, EdgeRoute>, forwarder: Forwarder) {
    this.#routes = routes;
    this.#forwarder = forwarder;
  }

  onRequest(req: ProxyRequest, res: ProxyResponse, connection: ClientConnection): void {
    const request = this.#judge(req, connection);
    if ("req" in request) {
      this.#forwarder.forward(request, res);
      return;
    }
    res.shouldKeepAlive = false;
    answerPlain(res, request.status, request.sentence);
  }

  onMalformed(): void {}

  #judge(
    req: ProxyRequest,
    connection: ClientConnection,
  ): ForwardRequest | { readonly status: number; readonly sentence: string } {
    const { method, target, minorVersion, rawHeaders, probeToken } = req.head;
    const judgement = judgeRequest({ method, target, httpVersion: `1.${minorVersion}`, rawHeaders });
    if (judgement.kind === "refused") return { status: 400, sentence: judgement.reason };
    const route = this.#routes.get(judgement.host.name);
    if (route === undefined) return { status: 421, sentence: "this edge leads to no such host" };
    const headers = ["Host", hostAsWritten(rawHeaders)];
    keepEndToEnd(rawHeaders, headers);
    if (probeToken !== undefined) headers.push(probeHeader, probeToken);
    headers.push("X-Forwarded-For", connection.clientAddress, "X-Forwarded-Proto", connection.proto);
    return { req, target: judgement.target, headers, upstream: () => route.take() };
  }
}

/** The value of the one Host header. */
function hostAsWritten(rawHeaders: readonly string[]): string {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  return rawHeaders[at + 1] ?? "";
}
