import type { FrontProcess } from "../settings/process-settings.ts";
import { answerRules, countingRules, countsSection } from "./counting-rules.ts";
import { bindingKey } from "./hosts-map.ts";
import { quote } from "./quote.ts";
import {
  defaultsSection,
  globalSection,
  indented,
  probeBinds,
  probeSections,
  type RenderInput,
  userBinds,
} from "./render-common.ts";
import { bindingRules, hopRules, hygieneRules, probeRule, responseRules, unreachableRule } from "./request-rules.ts";

/** The configuration of a front: it reads names and leads to site proxies; the headers for slots are theirs to make. */
export function renderFront(input: RenderInput & { readonly process: FrontProcess }): string {
  const { process, files } = input;
  const { limits } = process.settings;
  const lines = [
    ...globalSection(input),
    ...defaultsSection(limits),
    ...probeSections(input),
    "frontend front",
    `  maxconn ${limits.connectionsMax}`,
    ...indented([
      ...userBinds(input),
      ...probeBinds(input),
      ...hygieneRules(limits.headerBytesMax),
      ...bindingRules(files.hostsMap),
      ...probeRules(process),
      ...countingRules,
      "http-request set-var(txn.token) req.fhdr(x-sluice-probe)",
      ...hopRules,
      "http-request set-header X-Sluice-Probe %[var(txn.token)] if { var(txn.token) -m found }",
      "http-request replace-header Host .* %[var(txn.host)]",
      "http-request set-dst-port var(txn.port)",
      "http-request set-var(txn.sent) bool(true)",
      ...responseRules,
      unreachableRule,
      ...answerRules,
      ...routeRules(process),
    ]),
    "",
    ...siteSections(input),
    ...countsSection,
  ];
  return `${lines.join("\n")}\n`;
}

function probeRules({ settings, sites }: FrontProcess): readonly string[] {
  return settings.routes.flatMap(({ site }, index) =>
    probeRule(sites[site]?.probeToken ?? "", ` { var(txn.b) -m str ${bindingKey(index)} }`),
  );
}

function routeRules({ settings }: FrontProcess): readonly string[] {
  return settings.routes.map(
    ({ site }, index) => `use_backend ${backendOf(site)} if { var(txn.b) -m str ${bindingKey(index)} }`,
  );
}

/** From its first user on a front leads to the site proxies that accept, never back to one that is only probed. */
function siteSections({ process, accepting }: RenderInput & { readonly process: FrontProcess }): readonly string[] {
  return Object.entries(process.sites).flatMap(([site, { socketPath }]) => {
    const early = accepting ? undefined : process.routesBeforeAccept?.[site];
    return [
      `backend ${backendOf(site)}`,
      `  server site ${quote(`unix@${early ?? socketPath}`)} send-proxy-v2-ssl`,
      "",
    ];
  });
}

/** Of the names of sites, HAProxy takes letters, digits and a few marks. */
const backendOf = (site: string): string => `site-${encodeURIComponent(site).replaceAll("%", ":")}`;
