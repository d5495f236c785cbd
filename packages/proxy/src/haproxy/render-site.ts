import type { SiteProxyProcess } from "../settings/process-settings.ts";
import { withPortFrom } from "./count-keys.ts";
import { answerRules, arrivalRule, countsSections, ownAnswerRules } from "./counting-rules.ts";
import { type ForwardedTo, forwardedConnectionRules, forwardedRules, oddForwardedRules } from "./forwarded-rules.ts";
import { connectionRules, plainRules, usualBindingRule } from "./plain-requests.ts";
import { literal, quote } from "./quote.ts";
import { lastAnswerRule, readyRules } from "./ready-rules.ts";
import {
  type Connections,
  connectionOptions,
  defaultsSection,
  globalSection,
  indented,
  probeBinds,
  probeSections,
  type RenderInput,
  serverOptions,
  upgradeTimeoutRule,
  userBinds,
} from "./render-common.ts";
import {
  bindingRules,
  hopRules,
  hygieneRules,
  probeCountRule,
  probeRule,
  responseRules,
  slotResponseRules,
} from "./request-rules.ts";

type SiteInput = RenderInput & { readonly process: SiteProxyProcess };

/** The configuration of a site proxy. The live slot is not part of it: that is in the slot map. */
export function renderSite(input: SiteInput): string {
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
      ...connectionRules,
      ...forwardedConnectionRules(settings),
      ...readyRules(files.slotMap),
      arrivalRule,
      usualBindingRule(files.hostsMap),
      ...plainRules(settings.limits.headerBytesMax),
      ...hygieneRules(settings.limits.headerBytesMax),
      ...bindingRules(files.hostsMap),
      ...probeRule(process.probeToken),
      probeCountRule,
      ...hopRules,
      ...oddForwardedRules(settings),
      ...slotResponseRules,
      ...answerRules(files),
      ...responseRules,
      ...servedByRules(process),
      lastAnswerRule,
      ...ownAnswerRules(" !{ var(txn.live) -m str hold }"),
      ...routeRules,
    ]),
    "",
    ...forms.flatMap((form) => connections.flatMap((use) => slotsSection(input, form, use))),
    ...countsSections(settings.bindings.length),
  ];
  return `${lines.join("\n")}\n`;
}

const forms = ["plain", "ported", "odd"] as const satisfies readonly ForwardedTo[];
const connections = ["pooled", "fresh"] as const satisfies readonly Connections[];

/** What may be repeated travels on connections that are used again; everything else on one that nobody can be closing. */
const routeRules: readonly string[] = [
  "use_backend odd-pooled if { var(txn.odd) -m found } repeatable !has-body !{ var(txn.upgrade) -m found }",
  "use_backend odd-fresh if { var(txn.odd) -m found }",
  `use_backend ported-pooled if { var(txn.base) -m int ge ${withPortFrom} } repeatable`,
  `use_backend ported-fresh if { var(txn.base) -m int ge ${withPortFrom} }`,
  "use_backend plain-pooled if repeatable",
  "default_backend plain-fresh",
];

/** The same slots for requests of one form, with the connections that are right for them. */
function slotsSection({ process, files }: SiteInput, form: ForwardedTo, use: Connections): readonly string[] {
  const upgrades = form === "odd" && use === "fresh";
  const server = upgrades ? "var(txn.server)" : "var(txn.live),field(1,|)";
  const names = ["blue", "green", ...(upgrades ? ["blue-upgraded", "green-upgraded"] : [])];
  return [
    `backend ${form}-${use}`,
    ...indented([
      ...connectionOptions(use),
      ...forwardedRules(process.settings, form),
      ...slotRules(process, files.slotMap),
      ...(upgrades ? upgradeRules : []),
      `use-server %[${server}] unless { always_false }`,
      ...names.map((name) => `server ${name} 0.0.0.0:0 weight 0${serverOptions(use)}`),
    ]),
    "",
  ];
}

/** The way to the live slot; waits for one, but not for ever. */
function slotRules({ settings }: SiteProxyProcess, slotMap: string): readonly string[] {
  const held = "{ var(txn.live) -m str hold }";
  return [
    `http-request set-var(txn.live) str(live),map_str(${slotMap},hold)`,
    `http-request lua.hold ${Math.round(settings.limits.holdMs)} if ${held}`,
    `http-request return status 503 content-type "text/plain; charset=utf-8" hdr Retry-After 5 string "no release is live at the moment\\n" if ${held}`,
    "http-request set-dst var(txn.live),field(2,|)",
    "http-request set-dst-port var(txn.live),field(3,|)",
  ];
}

/** Upgraded connections are counted apart from requests, so they have servers of their own. */
const upgradeRules: readonly string[] = [
  upgradeTimeoutRule,
  "http-request set-var(txn.server) var(txn.live),field(1,|)",
  'http-request set-var-fmt(txn.server) "%[var(txn.live),field(1,|)]-upgraded" if { var(txn.upgrade) -m found }',
];

function servedByRules({ host, settings }: SiteProxyProcess): readonly string[] {
  const who = literal(`${host}/${settings.site}/`);
  return [
    "http-response del-header x-sluice-served-by",
    `http-response set-header X-Sluice-Served-By ${quote(`${who}%[var(txn.live),field(1,|)]/%[var(txn.live),field(4,|)]`)} if { var(txn.probe) -m found }`,
  ];
}
