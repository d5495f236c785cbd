import type { Probe, ProbedBinding, SiteDuties, SlotTarget } from "@sluice/core";
import { probeHeader } from "@sluice/core/proxying/header-fate";
import type { ProbeTarget } from "../drivers.ts";
import { askedName, hostHeader, type Question, reachable } from "./question.ts";
import { slotHeaders } from "./slot-headers.ts";

/** Makes the id under which the hops behind a probe record it. */
export type NewTraceId = () => string;

/** Every binding × probe that `target` applies to, in the order of the duties. */
export function planQuestions(duties: SiteDuties, target: ProbeTarget, newTraceId: NewTraceId): readonly Question[] {
  return duties.bindings
    .filter((binding) => applies(binding, target))
    .flatMap((binding) => duties.probes.map((probe) => planQuestion({ duties, binding, probe }, target, newTraceId)));
}

/** The front knows only bindings on shared ports; an edge leads only to public bindings that have one. */
function applies(binding: ProbedBinding, target: ProbeTarget): boolean {
  if (target.hop === "front") return binding.shared;
  if (target.hop === "edge") return binding.kind === "public" && binding.edge !== undefined;
  return true;
}

interface Asked {
  readonly duties: SiteDuties;
  readonly binding: ProbedBinding;
  readonly probe: Probe;
}

function planQuestion(asked: Asked, target: ProbeTarget, newTraceId: NewTraceId): Question {
  switch (target.hop) {
    case "slot":
      return slotQuestion(asked, target.target, newTraceId);
    case "proxy":
    case "front":
      return probeSocketQuestion(asked, target);
    case "listener":
      return listenerQuestion(asked);
    case "edge":
      return edgeQuestion(asked);
  }
}

function slotQuestion({ duties, binding, probe }: Asked, target: SlotTarget, newTraceId: NewTraceId): Question {
  const host = hostHeader(binding);
  return {
    site: duties.site,
    ...{ binding: binding.name, bindingPort: binding.bindingPort },
    hop: "slot",
    probe,
    way: { kind: "tcp", host: target.host, port: target.port },
    path: probe.path,
    rawHeaders: slotHeaders(duties, binding, { host, rawHeaders: userHeaders(probe, host) }, newTraceId()),
    release: target.release,
  };
}

/** A site proxy gets what lies on shared ports from the front, which has taken the TLS off. */
function probeSocketQuestion(asked: Asked, target: ProbeTarget & { readonly hop: "proxy" | "front" }): Question {
  const { tls, shared, bindingPort } = asked.binding;
  const tlsTakenOff = tls && shared && target.hop === "proxy";
  return {
    ...userQuestion(asked, tls && !tlsTakenOff, hostHeader(asked.binding)),
    hop: target.hop,
    way: { kind: "probe-socket", path: target.probeSocket, bindingPort, tlsTakenOff },
  };
}

function listenerQuestion(asked: Asked): Question {
  const { binding } = asked;
  return {
    ...userQuestion(asked, binding.tls, hostHeader(binding)),
    hop: binding.shared ? "front" : "proxy",
    way: { kind: "tcp", host: reachable(binding.address), port: binding.port },
  };
}

/** Connects to the address in the edge's URL and asks for the binding by name: so the name's own DNS entry plays no part. */
function edgeQuestion(asked: Asked): Question {
  const edge = edgeUrl(asked.binding);
  const speaksTls = edge.protocol === "https:";
  const port = edge.port === "" ? (speaksTls ? 443 : 80) : Number(edge.port);
  return {
    ...userQuestion(asked, speaksTls, askedName(asked.binding)),
    hop: "edge",
    way: { kind: "tcp", host: edge.hostname.replace(/^\[|\]$/g, ""), port },
    path: `${edge.pathname.replace(/\/$/, "")}${asked.probe.path}`,
  };
}

/** An edge written without its scheme is taken for a host name, and then fails in words when it is none. */
function edgeUrl({ name, edge = "" }: ProbedBinding): URL {
  return URL.parse(edge) ?? URL.parse(`https://${edge}`) ?? new URL(`https://${name}`);
}

/** What a user of the binding would send, marked as a probe. */
function userQuestion(
  { duties, binding, probe }: Asked,
  speaksTls: boolean,
  host: string,
): Omit<Question, "hop" | "way"> {
  return {
    site: duties.site,
    ...{ binding: binding.name, bindingPort: binding.bindingPort },
    probe,
    ...(speaksTls ? { tls: { serverName: askedName(binding) } } : {}),
    path: probe.path,
    rawHeaders: [...userHeaders(probe, host), probeHeader, duties.probeToken],
  };
}

function userHeaders(probe: Probe, host: string): readonly string[] {
  const given = Object.entries(probe.headers).filter(([name]) => name.toLowerCase() !== "host");
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const usual = Object.entries({ "User-Agent": "sluice-probe", Accept: "*/*" });
  const framing = probe.method === "POST" ? ["Content-Length", `${Buffer.byteLength(probe.body ?? "")}`] : [];
  return [
    "Host",
    host,
    ...usual.filter(([name]) => !names.has(name.toLowerCase())).flat(),
    ...given.filter(([name]) => name.toLowerCase() !== "content-length").flat(),
    ...framing,
  ];
}
