import { randomBytes } from "node:crypto";
import type { Outcome } from "@sluice/core/health/outcome";
import { forwardedHeaders } from "@sluice/core/proxying/forwarded-headers";
import { servedByHeader } from "@sluice/core/proxying/header-fate";
import { judgeRequest } from "@sluice/core/proxying/judge-request";
import { type BindingIndex, createBindingIndex } from "@sluice/core/proxying/match-binding";
import type { ProxyBinding, SlotTable } from "@sluice/core/proxying/proxy-settings";
import type { BindingCounter, ProxyCounters } from "../counting/proxy-counters.ts";
import { answerPlain } from "../forwarding/answer-plain.ts";
import type { Forwarder, ForwardRequest } from "../forwarding/forwarder.ts";
import type { ProxyRequest } from "../forwarding/proxy-request.ts";
import type { ProxyResponse } from "../forwarding/proxy-response.ts";
import type { SiteProxyProcess } from "../settings/process-settings.ts";
import type { SlotRouter } from "../slots/slot-router.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { RequestHandler } from "./client-server.ts";
import { isProbe } from "./probe-token.ts";
import { isReadyQuestion } from "./ready-question.ts";

/** Sends the requests of one site to its live slot. */
export class SiteHandler implements RequestHandler {
  readonly process: SiteProxyProcess;
  readonly router: SlotRouter;
  readonly #counters: ProxyCounters;
  readonly #forwarder: Forwarder;
  readonly #bindings: BindingIndex<ProxyBinding>;
  readonly #tracePrefix = randomBytes(6).toString("hex");
  #traced = 0;

  constructor(process: SiteProxyProcess, router: SlotRouter, counters: ProxyCounters, forwarder: Forwarder) {
    this.process = process;
    this.router = router;
    this.#counters = counters;
    this.#forwarder = forwarder;
    this.#bindings = createBindingIndex(process.settings.bindings);
  }

  onRequest(req: ProxyRequest, res: ProxyResponse, connection: ClientConnection): void {
    if (this.router.table.draining === true) res.shouldKeepAlive = false;
    if (isReadyQuestion(req)) {
      answerReady(res, this.router.table);
      return;
    }
    const request = this.#judge(req, connection);
    if (request instanceof SiteRequest) {
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
  ): SiteRequest | { readonly status: number; readonly sentence: string } {
    const { method, target, minorVersion, rawHeaders } = req.head;
    const judgement = judgeRequest({ method, target, httpVersion: `1.${minorVersion}`, rawHeaders });
    if (judgement.kind === "refused") {
      this.#counters.malformed += 1;
      return { status: 400, sentence: judgement.reason };
    }
    const { bindingPort, clientAddress, proto } = connection;
    const binding = this.#bindings.match(judgement.host.name, bindingPort);
    if (binding === undefined) {
      this.#counters.unknownHost += 1;
      return { status: 421, sentence: "no site is bound to this host name here" };
    }
    const { forward } = this.process.settings;
    this.#traced += 1;
    const traceId = `${this.#tracePrefix}-${this.#traced.toString(36)}`;
    const headers = forwardedHeaders({
      clientAddress,
      proto,
      publicHost: judgement.host,
      bindingPort,
      forward,
      traceId,
      rawHeaders,
    });
    const probe = isProbe(req.head, this.process.probeToken);
    return new SiteRequest(this, this.#counters.of(binding), req, judgement.target, headers, probe);
  }
}

/** An edge asks whether it may send requests here. Nothing is counted: nobody's request failed when a host is being drained. */
function answerReady(res: ProxyResponse, { live, draining }: SlotTable): void {
  const isIn = live !== "hold" && draining !== true;
  if (!isIn) res.shouldKeepAlive = false;
  if (isIn) answerPlain(res, 200, "this host takes requests");
  else answerPlain(res, 503, live === "hold" ? "no release is live at the moment" : "this host is being drained");
}

class SiteRequest implements ForwardRequest {
  readonly req: ProxyRequest;
  readonly target: string;
  readonly headers: readonly string[];
  readonly #handler: SiteHandler;
  readonly #counter: BindingCounter;
  readonly #probe: boolean;

  constructor(
    handler: SiteHandler,
    counter: BindingCounter,
    req: ProxyRequest,
    target: string,
    headers: readonly string[],
    probe: boolean,
  ) {
    this.#handler = handler;
    this.#counter = counter;
    this.req = req;
    this.target = target;
    this.headers = headers;
    this.#probe = probe;
  }

  upstream(): Upstream | undefined {
    return this.#handler.router.live();
  }

  /** Only we say who served; a slot's own word is dropped. */
  decorate(headers: string[], upstream: Upstream): void {
    for (let index = headers.length - 2; index >= 0; index -= 2) {
      const name = headers[index];
      if (name?.length === servedByHeader.length && name.toLowerCase() === "x-sluice-served-by")
        headers.splice(index, 2);
    }
    if (!this.#probe) return;
    const { host, settings } = this.#handler.process;
    const who = this.#handler.router.whoIs(upstream);
    headers.push(servedByHeader, `${host}/${settings.site}/${who?.slot ?? "unknown"}/${who?.release ?? "unknown"}`);
  }

  done(outcome: Outcome, tookMs: number): void {
    (this.#probe ? this.#counter.probes : this.#counter.users).add(outcome, tookMs);
  }
}
