import type { SiteProxySettings } from "@sluice/core/proxying/proxy-settings";
import { literal, quote } from "./quote.ts";
import { securePorts } from "./render-common.ts";

/** How the Host of a request came: a bare name, a name with a port, or in a way that had to be read first (`txn.host`). */
export type ForwardedTo = "plain" | "ported" | "odd";

/** What is the same for all requests of a connection is made once. */
export function forwardedConnectionRules({ bindings, listeners }: SiteProxySettings): readonly string[] {
  const secure = new Set([
    ...securePorts(listeners),
    ...bindings.filter(({ certificate }) => certificate !== undefined).map(({ bindingPort }) => bindingPort),
  ]);
  return [
    "tcp-request session set-var(sess.proto) str(http)",
    ...[...secure].map(
      (port) => `tcp-request session set-var(sess.proto) str(https) if { var(sess.port) -m str ${port} }`,
    ),
    `tcp-request session set-var(sess.client) "src,regsub('^::ffff:','')"`,
    "tcp-request session set-var(sess.for) var(sess.client)",
    'tcp-request session set-var-fmt(sess.for) "\\"[%[var(sess.client)]]\\"" if { var(sess.client) -m sub : }',
    "tcp-request session set-var-fmt(sess.trace) %[uuid]",
  ];
}

/** For a Host that was read: what `Forwarded` and `X-Forwarded-Port` say of it. */
export function oddForwardedRules({ forward }: SiteProxySettings): readonly string[] {
  return [
    "http-request set-var(txn.hostvalue) var(txn.host)",
    `http-request set-var-fmt(txn.hostvalue) "\\"%[var(txn.host)]\\"" if { var(txn.host) -m reg ${quote("[:\\[]")} }`,
    "http-request set-var(txn.hostport) var(sess.port)",
    `http-request set-var(txn.hostport) "var(txn.host),regsub('^.*:','')" if { var(txn.host) -m reg ${quote(":[0-9]+$")} }`,
    ...(forward.host === "internal" ? [] : ["http-request set-header Host %[var(txn.host)]"]),
  ];
}

/** What `forwardedHeaders` of core adds, in its order; whatever a client sent of it is gone by now. */
export function forwardedRules({ forward }: SiteProxySettings, form: ForwardedTo): readonly string[] {
  const host = form === "odd" ? "%[var(txn.host)]" : "%[req.fhdr(host)]";
  const value = { plain: host, ported: `\\"${host}\\"`, odd: "%[var(txn.hostvalue)]" }[form];
  const port = { plain: "var(sess.port)", ported: "req.fhdr(host),field(2,:)", odd: "var(txn.hostport)" }[form];
  return [
    `http-request add-header Forwarded "for=%[var(sess.for)];host=${value};proto=%[var(sess.proto)]"`,
    "http-request add-header X-Forwarded-For %[var(sess.client)]",
    "http-request add-header X-Forwarded-Proto %[var(sess.proto)]",
    `http-request add-header X-Forwarded-Host ${host}`,
    `http-request add-header X-Forwarded-Port %[${port}]`,
    `http-request add-header X-Public-Host ${host}`,
    "http-request add-header X-Sluice-Trace %[var(sess.trace)]-%rt",
    ...(forward.host === "internal" ? [`http-request set-header Host ${quote(literal(forward.internalName))}`] : []),
  ];
}
