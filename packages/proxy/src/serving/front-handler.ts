import type { Outcome } from "@sluice/core/health/outcome";
import { keepEndToEnd } from "@sluice/core/proxying/forwarded-headers";
import { probeHeader } from "@sluice/core/proxying/header-fate";
import { formatHostName, type HostName } from "@sluice/core/proxying/host-name";
import { judgeRequest } from "@sluice/core/proxying/judge-request";
import { type BindingIndex, createBindingIndex } from "@sluice/core/proxying/match-binding";
import type { FrontRoute } from "@sluice/core/proxying/proxy-settings";
import type { BindingCounter, ProxyCounters } from "../counting/proxy-counters.ts";
import { answerPlain } from "../forwarding/answer-plain.ts";
import type { Forwarder, ForwardRequest } from "../forwarding/forwarder.ts";
import type { ProxyRequest } from "../forwarding/proxy-request.ts";
import type { ProxyResponse } from "../forwarding/proxy-response.ts";
import type { FrontProcess } from "../settings/process-settings.ts";
import { Upstream } from "../upstream/upstream.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { RequestHandler } from "./client-server.ts";
import { isProbe } from "./probe-token.ts";
import { writeProxyHeader } from "./proxy-protocol.ts";
import { isReadyQuestion } from "./ready-question.ts";

/**
 * Sends each request to the site proxy its host name belongs to, over that proxy's unix socket. The PROXY header at
 * the beginning of a connection names the client, so a connection is only ever used for one client connection.
 */
export class FrontHandler implements RequestHandler {
  readonly #process: FrontProcess;
  readonly #counters: ProxyCounters;
  readonly #forwarder: Forwarder;
  readonly #routes: BindingIndex<FrontRoute>;
  readonly #hasAccepted: () => boolean;
  readonly #upstreams = new WeakMap<ClientConnection, Map<string, Upstream>>();

  /** `hasAccepted`: from its first user on a front leads to the site proxies that accept, never back to one that is only probed. */
  constructor(process: FrontProcess, counters: ProxyCounters, forwarder: Forwarder, hasAccepted: () => boolean) {
    this.#process = process;
    this.#hasAccepted = hasAccepted;
    this.#counters = counters;
    this.#forwarder = forwarder;
    this.#routes = createBindingIndex(process.settings.routes);
  }

  onRequest(req: ProxyRequest, res: ProxyResponse, connection: ClientConnection): void {
    const request = this.#judge(req, connection);
    if (request instanceof FrontRequest) {
      this.#forwarder.forward(request, res);
      return;
    }
    if (request.status === 400 || req.wantsUpgrade) res.shouldKeepAlive = false;
    answerPlain(res, request.status, request.sentence);
  }

  onMalformed(): void {
    this.#counters.malformed += 1;
  }

  #judge(
    req: ProxyRequest,
    connection: ClientConnection,
  ): FrontRequest | { readonly status: number; readonly sentence: string } {
    const { method, target, minorVersion, rawHeaders } = req.head;
    const judgement = judgeRequest({ method, target, httpVersion: `1.${minorVersion}`, rawHeaders });
    if (judgement.kind === "refused") {
      this.#counters.malformed += 1;
      return { status: 400, sentence: judgement.reason };
    }
    const route = this.#routes.match(judgement.host.name, connection.bindingPort);
    const site = route && this.#process.sites[route.site];
    if (route === undefined || site === undefined) {
      this.#counters.unknownHost += 1;
      return { status: 421, sentence: "no site is bound to this host name here" };
    }
    const counter = this.#counters.of(route);
    return new FrontRequest({
      req,
      target: judgement.target,
      headers: siteProxyHeaders(req, judgement.host),
      upstream: this.#upstreamFor(connection, route.site, this.#beforeAccept(route.site) ?? site.socketPath),
      counter: isReadyQuestion(req) || isProbe(req.head, site.probeToken ?? "") ? counter.probes : counter.users,
    });
  }

  #beforeAccept(site: string): string | undefined {
    return this.#hasAccepted() ? undefined : this.#process.routesBeforeAccept?.[site];
  }

  #upstreamFor(connection: ClientConnection, site: string, socketPath: string): Upstream {
    let bySite = this.#upstreams.get(connection);
    if (bySite === undefined) {
      const mine = new Map<string, Upstream>();
      bySite = mine;
      this.#upstreams.set(connection, mine);
      connection.socket.once("close", () => {
        for (const upstream of mine.values()) upstream.retire();
      });
    }
    let upstream = bySite.get(site);
    if (upstream === undefined) {
      upstream = new Upstream({
        address: { path: socketPath },
        idleMax: 1,
        idleMs: this.#process.settings.limits.keepAliveTimeoutMs / 2,
        preamble: announcement(connection),
        keepsIdle: true,
      });
      bySite.set(site, upstream);
    }
    return upstream;
  }
}

/** Everything a site proxy needs to know of the connection; trusted there because only the front can open that socket. */
function announcement(connection: ClientConnection): Buffer {
  return writeProxyHeader({
    source: { address: connection.clientAddress, port: connection.clientPort },
    destination: { address: connection.socket.localAddress ?? connection.clientAddress, port: connection.bindingPort },
    tls: connection.proto === "https",
  });
}

/** The site proxy makes the headers for the slot; here only the connection's own ones end. It also judges the probe token. */
function siteProxyHeaders(req: ProxyRequest, host: HostName): string[] {
  const headers = ["Host", formatHostName(host)];
  keepEndToEnd(req.head.rawHeaders, headers);
  const { probeToken } = req.head;
  if (probeToken !== undefined) headers.push(probeHeader, probeToken);
  return headers;
}

interface FrontRequestParts {
  readonly req: ProxyRequest;
  readonly target: string;
  readonly headers: readonly string[];
  readonly upstream: Upstream;
  readonly counter: BindingCounter["users"];
}

class FrontRequest implements ForwardRequest {
  readonly req: ProxyRequest;
  readonly target: string;
  readonly headers: readonly string[];
  readonly #parts: FrontRequestParts;

  constructor(parts: FrontRequestParts) {
    this.req = parts.req;
    this.target = parts.target;
    this.headers = parts.headers;
    this.#parts = parts;
  }

  upstream(): Upstream {
    return this.#parts.upstream;
  }

  done(outcome: Outcome, tookMs: number): void {
    this.#parts.counter.add(outcome, tookMs);
  }
}
