import type { SiteProxyProcess } from "../settings/process-settings.ts";
import { answerRules, countingRules, countsSection } from "./counting-rules.ts";
import { literal, quote } from "./quote.ts";
import {
  defaultsSection,
  globalSection,
  indented,
  probeBinds,
  probeSections,
  type RenderInput,
  securePorts,
  userBinds,
} from "./render-common.ts";
import { bindingRules, hopRules, hygieneRules, probeRule, responseRules, unreachableRule } from "./request-rules.ts";

/** The configuration of a site proxy. The live slot is not part of it: that is in the slot map. */
export function renderSite(input: RenderInput & { readonly process: SiteProxyProcess }): string {
  const { process, files } = input;
  const { settings } = process;
  const lines = [
    ...globalSection(input),
    ...defaultsSection(settings.limits),
    ...probeSections(input),
    "frontend site",
    `  maxconn ${settings.limits.connectionsMax}`,
    ...indented([
      ...userBinds(input),
      ...probeBinds(input),
      ...hygieneRules(settings.limits.headerBytesMax),
      ...bindingRules(files.hostsMap),
      ...probeRule(process.probeToken),
      ...countingRules,
      ...hopRules,
      ...forwardedRules(process),
      ...slotRules(process, files.slotMap),
      ...responseRules,
      ...servedByRules(process),
      unreachableRule,
      ...answerRules,
      "use_backend slots",
    ]),
    "",
    "backend slots",
    "  use-server %[var(txn.server)] unless { always_false }",
    ...["blue", "green", "blue-upgraded", "green-upgraded"].map((name) => `  server ${name} 0.0.0.0:0 weight 0`),
    "",
    ...countsSection,
  ];
  return `${lines.join("\n")}\n`;
}

/** What `forwardedHeaders` of core adds, in its order. */
function forwardedRules({ settings }: SiteProxyProcess): readonly string[] {
  const { forward, bindings, listeners } = settings;
  const secure = new Set([
    ...securePorts(listeners),
    ...bindings.filter(({ certificate }) => certificate !== undefined).map(({ bindingPort }) => bindingPort),
  ]);
  const host = forward.host === "internal" ? quote(literal(forward.internalName)) : "%[var(txn.host)]";
  return [
    "http-request set-var(txn.proto) str(http)",
    ...(secure.size === 0
      ? []
      : [`http-request set-var(txn.proto) str(https) if { var(txn.port) -m int ${[...secure].join(" ")} }`]),
    `http-request set-var(txn.client) "src,regsub('^::ffff:','')"`,
    "http-request set-var(txn.for) var(txn.client)",
    'http-request set-var-fmt(txn.for) "\\"[%[var(txn.client)]]\\"" if { var(txn.client) -m sub : }',
    "http-request set-var(txn.hostvalue) var(txn.host)",
    `http-request set-var-fmt(txn.hostvalue) "\\"%[var(txn.host)]\\"" if { var(txn.host) -m reg ${quote("[:\\[]")} }`,
    "http-request set-var(txn.hostport) var(txn.port)",
    `http-request set-var(txn.hostport) "var(txn.host),regsub('^.*:','')" if { var(txn.host) -m reg ${quote(":[0-9]+$")} }`,
    `http-request replace-header Host .* ${host}`,
    'http-request set-header Forwarded "for=%[var(txn.for)];host=%[var(txn.hostvalue)];proto=%[var(txn.proto)]"',
    "http-request set-header X-Forwarded-For %[var(txn.client)]",
    "http-request set-header X-Forwarded-Proto %[var(txn.proto)]",
    "http-request set-header X-Forwarded-Host %[var(txn.host)]",
    "http-request set-header X-Forwarded-Port %[var(txn.hostport)]",
    "http-request set-header X-Public-Host %[var(txn.host)]",
    "http-request set-header X-Sluice-Trace %[uuid]",
  ];
}

/** The way to the live slot; waits for one, but not for ever. */
function slotRules({ settings }: SiteProxyProcess, slotMap: string): readonly string[] {
  const held = "{ var(txn.live) -m str hold }";
  return [
    `http-request set-var(txn.live) str(live),map_str(${slotMap},hold)`,
    `http-request lua.hold ${Math.round(settings.limits.holdMs)} if ${held}`,
    `http-request return status 503 content-type "text/plain; charset=utf-8" hdr Retry-After 5 string "no release is live at the moment\\n" if ${held}`,
    "http-request set-var(txn.slot) var(txn.live),field(1,|)",
    "http-request set-var(txn.server) var(txn.slot)",
    'http-request set-var-fmt(txn.server) "%[var(txn.slot)]-upgraded" if { var(txn.upgrade) -m found }',
    "http-request set-dst var(txn.live),field(2,|)",
    "http-request set-dst-port var(txn.live),field(3,|)",
    "http-request set-var(txn.sent) bool(true)",
  ];
}

function servedByRules({ host, settings }: SiteProxyProcess): readonly string[] {
  const who = literal(`${host}/${settings.site}/`);
  return [
    "http-response del-header x-sluice-served-by",
    `http-response set-header X-Sluice-Served-By ${quote(`${who}%[var(txn.slot)]/%[var(txn.live),field(4,|)]`)} if { var(txn.probe) -m found }`,
  ];
}
