import type { FrontProcess } from "../settings/process-settings.ts";
import { countBase, countBaseWithPort, probeStep } from "./count-keys.ts";
import { answerRules, arrivalRule, countsSections, ownAnswerRules } from "./counting-rules.ts";
import { connectionRules, plainRules, usualBindingRule } from "./plain-requests.ts";
import { quote } from "./quote.ts";
import { readyAsked } from "./ready-rules.ts";
import {
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
  announcedId,
  bindingRules,
  hopRules,
  hygieneRules,
  probeCountRule,
  probeRule,
  responseRules,
} from "./request-rules.ts";

/** The configuration of a front: it reads names and leads to site proxies; the headers for slots are theirs to make. */
export function renderFront(input: RenderInput & { readonly process: FrontProcess }): string {
  const { process, files } = input;
  const { limits, routes } = process.settings;
  const lines = [
    ...globalSection(input),
    ...defaultsSection(limits),
    ...probeSections(input),
    "frontend front",
    `  maxconn ${limits.connectionsMax}`,
    ...indented([
      ...userBinds(input),
      ...probeBinds(input),
      `tcp-request connection set-dst-port so_id unless { so_id ge ${announcedId} }`,
      ...connectionRules,
      arrivalRule,
      usualBindingRule(files.hostsMap),
      `http-request unset-var(txn.base) if ${readyAsked}`,
      ...plainRules(limits.headerBytesMax),
      ...hygieneRules(limits.headerBytesMax),
      ...bindingRules(files.hostsMap),
      ...probeRules(process),
      "http-request set-var(txn.token) req.fhdr(x-sluice-probe)",
      ...hopRules,
      "http-request set-header X-Sluice-Probe %[var(txn.token)] if { var(txn.token) -m found }",
      "http-request set-header Host %[var(txn.host)]",
      ...answerRules(files),
      ...responseRules,
      ...ownAnswerRules(),
      `use_backend %[var(txn.base),map_str(${files.sitesMap})]`,
    ]),
    "",
    ...siteSections(input),
    ...countsSections(routes.length),
  ];
  return `${lines.join("\n")}\n`;
}

/** To the backend of its site, by every base that a binding can have there. */
export function sitesMap({ settings }: FrontProcess): string {
  const lines = settings.routes.flatMap(({ site }, index) =>
    [countBase(index), countBaseWithPort(index), countBase(index) + probeStep].map(
      (base) => `${base} ${backendOf(site)}\n`,
    ),
  );
  return lines.join("");
}

function probeRules({ settings, sites }: FrontProcess): readonly string[] {
  const marks = settings.routes.flatMap(({ site }, index) =>
    probeRule(sites[site]?.probeToken ?? "", ` { var(txn.base) -m int ${countBase(index)} }`),
  );
  return [...marks, `http-request set-var(txn.probe) bool(true) if ${readyAsked}`, probeCountRule];
}

/**
 * From its first user on a front leads to the site proxies that accept, never back to one that is only probed. A connection
 * to a site proxy is of one client. Site proxies close none that was used within a second, so every request may use it.
 */
function siteSections({ process, accepting }: RenderInput & { readonly process: FrontProcess }): readonly string[] {
  return Object.entries(process.sites).flatMap(([site, { socketPath }]) => {
    const early = accepting ? undefined : process.routesBeforeAccept?.[site];
    return [
      `backend ${backendOf(site)}`,
      ...indented([
        ...connectionOptions("pooled"),
        upgradeTimeoutRule,
        `server site ${quote(`unix@${early ?? socketPath}`)} send-proxy-v2-ssl${serverOptions("pooled")}`,
      ]),
      "",
    ];
  });
}

/** Of the names of sites, HAProxy takes letters, digits and a few marks. */
const backendOf = (site: string): string => `site-${encodeURIComponent(site).replaceAll("%", ":")}`;
